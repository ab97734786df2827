export { type NatsOptions, openNats } from './open-nats.ts';
