import { createMemoryStore, type Store } from '@meshwork/core';
import { openNats } from '@meshwork/store-nats';
import { openPostgres } from '@meshwork/store-postgres';
import { openRedis } from '@meshwork/store-redis';
import { describeWithEngine } from '@meshwork/test-engines';
import { describeHubs } from './support/describe-hubs.ts';

const name = `audit_hubs_${process.pid}_${Date.now()}`;

const memory = createMemoryStore();
describeHubs('memory', async (): Promise<Store> => memory);
await describeWithEngine('postgres', (url) => describeHubs('PostgreSQL', () => openPostgres({ url, schema: name })));
await describeWithEngine('redis', (url) => describeHubs('Redis', () => openRedis({ url, prefix: name })));
await describeWithEngine('nats', (url) => describeHubs('NATS JetStream', () => openNats({ url, name })));
