import type { TrafficFace } from './traffic-meter.ts';

/** Port: is told who comes and goes, and who was turned away. It never sees a credential. */
export interface ConnectionLog {
  agentConnected(event: { readonly agent: string; readonly face: TrafficFace; readonly address?: string }): void;
  agentDisconnected(event: { readonly agent: string; readonly face: TrafficFace; readonly address?: string }): void;
  authenticationFailed(event: { readonly address?: string; readonly reason: string }): void;
}
