import type { Hub, Principal } from '@meshwork/core';
import type { RequestId } from '@modelcontextprotocol/server';
import { createHearing, type Hearing } from './hearing.ts';
import { onHubChange, type Topic } from './hub-changes.ts';

/** One wish to hear of changes. */
interface Subscription {
  readonly topics: readonly Topic[];
  /** Who listens, asked for each change. */
  readonly principal: () => Principal;
  /** The id of the `subscriptions/listen` request, which every notification carries (MCP 2026-07-28, subscriptions); 2025 revisions have none. */
  readonly id?: RequestId;
  /** Takes a notification as JSON text. Must not wait. */
  readonly deliver: (text: string) => void;
}

/** Brings the hub's events to those who asked for them, and to nobody else: an event costs nothing for connections that do not watch it. */
export interface FanOut {
  /** Returns the way to end it. */
  subscribe(subscription: Subscription): () => void;
  close(): void;
}

export function createFanOut(hub: Hub, onError: (error: unknown) => void): FanOut {
  const byTopic = new Map<string, Set<Subscription & Hearing>>();

  const publish = (topic: Topic) => {
    const subscriptions = byTopic.get(keyOf(topic));
    if (subscriptions === undefined) return;
    // Clients count their requests alike, so most share one id, and a text is written once for all who do.
    const texts = new Map<RequestId | undefined, string>();
    for (const { id, deliver, principal, hears } of subscriptions) {
      if (!hears(principal(), topic)) continue;
      let text = texts.get(id);
      if (text === undefined) {
        text = notificationText(topic, id);
        texts.set(id, text);
      }
      try {
        deliver(text);
      } catch (error) {
        onError(error);
      }
    }
  };
  const stop = onHubChange(hub, publish);

  return {
    subscribe(wish) {
      const subscription = { ...wish, ...createHearing(hub, wish.principal()) };
      const keys = new Set(subscription.topics.map(keyOf));
      for (const key of keys) {
        const others = byTopic.get(key);
        if (others === undefined) byTopic.set(key, new Set([subscription]));
        else others.add(subscription);
      }
      return () => {
        for (const key of keys) {
          const others = byTopic.get(key);
          others?.delete(subscription);
          if (others?.size === 0) byTopic.delete(key);
        }
      };
    },
    close() {
      stop();
      byTopic.clear();
    },
  };
}

function keyOf(topic: Topic): string {
  return typeof topic === 'string' ? topic : `uri ${topic.uri}`;
}

function notificationText(topic: Topic, id: RequestId | undefined): string {
  const [method, params] = typeof topic === 'string' ? [`notifications/${topic}/list_changed`, {}] : ['notifications/resources/updated', { uri: topic.uri }];
  const meta = id === undefined ? {} : { _meta: { 'io.modelcontextprotocol/subscriptionId': id } };
  return JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, ...meta } });
}
