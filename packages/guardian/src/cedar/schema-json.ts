/** A schema in Cedar's JSON, as `schemaToJsonWithResolvedTypes` gives it: by namespace. */
export type SchemaJson = Readonly<Record<string, NamespaceJson>>;

interface NamespaceJson {
  readonly commonTypes?: Readonly<Record<string, TypeJson>>;
  readonly entityTypes: Readonly<Record<string, EntityTypeJson>>;
  readonly actions: Readonly<Record<string, ActionJson>>;
}

export interface TypeJson {
  readonly type: string;
  readonly name?: string;
  readonly element?: TypeJson;
  readonly attributes?: Readonly<Record<string, TypeJson & { readonly required?: boolean }>>;
  readonly additionalAttributes?: boolean;
}

export interface EntityTypeJson {
  readonly memberOfTypes?: readonly string[];
  readonly shape?: TypeJson;
  readonly tags?: TypeJson;
  readonly enum?: readonly string[];
}

interface ActionJson {
  readonly appliesTo?: { readonly principalTypes: readonly string[]; readonly resourceTypes: readonly string[]; readonly context?: TypeJson };
  readonly memberOf?: readonly { readonly type?: string; readonly id: string }[];
}
