export type { Authenticator, CarryingRequest, ClientCertificate, Connection, WithdrawalListener } from './authenticator.ts';
export type {
  Abortable,
  AbortListener,
  Call,
  CallerChannel,
  CallKind,
  CallRequest,
  ClientFacts,
  Decision,
  Face,
  LogLevel,
  Progress,
  TraceContext,
} from './call.ts';
export { type Catalogue, createCatalogue, type Registration } from './catalogue.ts';
export { type ChangeBus, createJournalBus, createMemoryBus, type HubChange, type JournalBusOptions } from './change-bus.ts';
export { findJsonFault, type JsonLimits } from './check-json.ts';
export { type Clock, systemClock } from './clock.ts';
export type { ContentAnnotations, ContentBlock, PromptMessage, ResourceContents } from './content.ts';
export type { CallContext } from './context.ts';
export { type ChangeFeed, createChangeFeed } from './drivers/change-feed.ts';
export { checkName, checkTtl } from './drivers/check-names.ts';
export { type EncodedValue, encodeValue } from './drivers/encode-value.ts';
export { createExpiryQueue, type ExpiryQueue } from './drivers/expiry-queue.ts';
export { joinPorts } from './drivers/join-ports.ts';
export { createMemoryJournal } from './drivers/memory-journal.ts';
export { createMemoryKeyValueStore, type MemoryStoreOptions } from './drivers/memory-key-value-store.ts';
export { createMemoryStore } from './drivers/memory-store.ts';
export { patiently } from './drivers/patiently.ts';
export { refuseStaleKey, refuseStaleStream } from './drivers/refuse-stale.ts';
export { type Durability, type Enduring, requireDurable } from './durability.ts';
export {
  CancelledError,
  type Challenge,
  ClosedError,
  ConflictError,
  DeadlineError,
  DeniedError,
  HistoryDroppedError,
  InternalError,
  InvalidInputError,
  LimitedError,
  MeshworkError,
  type MeshworkErrorOptions,
  NotDurableError,
  NotFoundError,
  StoreFormatError,
  StoreInUseError,
  TaskRequiredError,
  UnauthenticatedError,
  UnavailableError,
  UnknownOutcomeError,
} from './errors.ts';
export { firstOf } from './first-of.ts';
export { createHub, type Hub, type HubEvents, type HubHandle, type HubInfo, type HubOptions } from './hub.ts';
export { type IdSource, randomIds } from './ids.ts';
export type { Journal, JournalRecord, PastRecord, StoredValue } from './journal.ts';
export type { JsonObject, JsonValue } from './json.ts';
export type { KeyValueChange, KeyValueEntry, KeyValueStore, PutOptions, Store } from './key-value-store.ts';
export { defineModule, type Module } from './module.ts';
export { hasEnded, type Operation, type OperationEvent, type OperationStatus, ownerOf, transition } from './operation.ts';
export { createOperations, type OperationContext, type OperationEvents, type Operations, type OperationsOptions } from './operations.ts';
export { type Ended, failureCodeOf, type Outcome, outcomeOf, outcomes } from './outcome.ts';
export { parseJson } from './parse-json.ts';
export { type PatienceOptions, withPatience } from './patient-store.ts';
export { pause } from './pause.ts';
export {
  type AuthenticationMethod,
  inProcessPrincipal,
  mayActFor,
  type OpenedWith,
  type Principal,
  type PrincipalKind,
  type Zone,
  zoneTrust,
} from './principal.ts';
export { definePrompt, type Prompt, type PromptArgument, type PromptReturn } from './prompt.ts';
export { redactSecrets } from './redact.ts';
export { type Completer, type CompletionRequest, defineResource, type Resource, type ResourceRequest, type ResourceReturn } from './resource.ts';
export {
  type CallResult,
  type InputRequest,
  type InputRequired,
  inputRequired,
  type OperationStarted,
  type PromptAnswer,
  type ResourceAnswer,
  type ToolAnswer,
  toolAnswer,
} from './result.ts';
export { createRoster, type Enrolled, type Roster } from './roster.ts';
export { type Parsed, parseWith, type SchemaIssue, type SchemaResult, type ToolSchema, toJsonSchema } from './schema.ts';
export { lackingScopes, plainScope, type ScopesFor, scopesByEffect } from './scopes.ts';
export { enclosingOrder, type SlotName, type Stage, type StageStep, type Target } from './stage.ts';
export { createTeller, type Listenable, type PayloadOf, type Teller } from './teller.ts';
export { type AnyTool, defineTool, type Effect, type Tool, type ToolAnnotations, type ToolDescription, type ToolReturn } from './tool.ts';
export { matchTemplate } from './uri-template.ts';
export type { CatalogueView, Visibility } from './visibility.ts';
export { within } from './within.ts';
