/** What a principal is to whoever reads of it. */
interface Party {
  readonly principal: string;
  readonly kind: 'agent' | 'user' | 'anonymous';
}

interface GrantFacts {
  readonly grantId: string;
  readonly agent: string;
  readonly resource: string;
}

interface KeyFacts {
  readonly keyId: string;
  readonly kind: 'admin' | 'agent';
  readonly holder: string;
}

interface SessionFacts {
  readonly sessionId: string;
  readonly agent: string;
}

interface OperationFacts {
  readonly operationId: string;
  /** What it is for, such as a tool's name. */
  readonly name: string;
  readonly hub: string;
}

interface PresenceFacts {
  readonly agent: string;
  readonly kind: 'agent' | 'user' | 'anonymous';
  readonly face: string;
  readonly zone: string;
}

/** The types of the events a hub publishes of itself, each with its data. Nothing else leaves the modules this way: no secret, and no text of a caller but the key of a conflict. */
export interface HubEventTypes {
  'meshwork.hub.started': { readonly hub: string; readonly version: string; readonly lostOperations: number };
  'meshwork.hub.stopping': { readonly hub: string };

  'meshwork.grant.issued': GrantFacts;
  'meshwork.grant.refused': { readonly agent: string; readonly resource: string; readonly policies: readonly string[] };
  'meshwork.grant.revoked': GrantFacts;
  'meshwork.key.issued': KeyFacts;
  'meshwork.key.rotated': KeyFacts & { readonly replaces: string };
  'meshwork.key.revoked': KeyFacts;
  'meshwork.session.opened': SessionFacts;
  'meshwork.session.ended': SessionFacts;
  'meshwork.credential.moved': {
    readonly credentialId: string;
    readonly method: string;
    readonly principal: string;
    readonly from: string;
    readonly to: string;
  };
  'meshwork.clock.jumped': { readonly direction: 'forward' | 'back'; readonly byMs: number };

  'meshwork.operation.started': OperationFacts;
  'meshwork.operation.input_required': OperationFacts;
  'meshwork.operation.completed': OperationFacts;
  'meshwork.operation.failed': OperationFacts & { readonly code: string };
  'meshwork.operation.cancelled': OperationFacts;
  'meshwork.operation.lost': OperationFacts;

  'meshwork.audit.checkpoint_signed': { readonly size: number; readonly hash: string; readonly time: string };
  'meshwork.audit.trimmed': { readonly dropped: number; readonly keptFrom: number };
  'meshwork.audit.tamper_found': { readonly offset: number; readonly kind: string; readonly message: string };
  'meshwork.audit.verification_failed': { readonly message: string };
  'meshwork.audit.journal_silent': { readonly patienceMs: number };
  'meshwork.audit.journal_answers': { readonly silentMs: number };

  /** The key is a caller's text: only admins see it. */
  'meshwork.board.conflict_found': { readonly board: string; readonly key: string; readonly conflicts: number };
  'meshwork.board.peer_reached': { readonly board: string; readonly peer: string };
  'meshwork.board.peer_lost': { readonly board: string; readonly peer: string; readonly reason: string };
  'meshwork.board.replica_renamed': { readonly board: string; readonly was: string; readonly is: string; readonly reason: string };
  'meshwork.board.replica_retired': { readonly board: string; readonly replica: string };
  'meshwork.board.clock_refused': { readonly board: string; readonly replica: string; readonly aheadMs: number };

  'meshwork.limit.reached': Party & { readonly limit: string; readonly retryAfterMs: number };

  'meshwork.agent.connected': PresenceFacts;
  'meshwork.agent.gone': PresenceFacts;
}
