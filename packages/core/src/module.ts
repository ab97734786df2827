import type { HubHandle } from './hub.ts';
import type { Prompt } from './prompt.ts';
import type { Resource } from './resource.ts';
import type { SlotName, Stage } from './stage.ts';
import type { AnyTool } from './tool.ts';
import type { Visibility } from './visibility.ts';

/** What an application composes: tools, resources, prompts and stages that belong together. */
export interface Module {
  readonly name: string;
  readonly tools?: readonly AnyTool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
  /** Stages by the slot they stand in; the order of the slots is the hub's. */
  readonly stages?: Partial<Readonly<Record<SlotName, Stage>>>;
  /** What callers are shown, where a stage of this module refuses some calls by who makes them. */
  readonly visibility?: Visibility;
  /** Called once, when the hub is made. */
  attach?(hub: HubHandle): void;
  /** Called once, when the hub closes, after the last call has ended. */
  close?(): Promise<void> | void;
}

/** Returns a module unchanged, typed. */
export function defineModule<M extends Module>(module: M): M {
  return module;
}
