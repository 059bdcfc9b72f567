/** What every resource says of itself. Weft reads the fields named here and keeps no others. */
export interface ResourceMetadata {
  readonly name: string;
  /** "default" where absent. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339; a tie-breaker of Gateway API: the older route wins. Absent counts as 1970. */
  readonly creationTimestamp?: string;
  /** Set by an API server; read but without effect. */
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly uid?: string;
}

/** The four fields that every document has. */
export interface ResourceBase<ApiVersion extends string, Kind extends string, Spec> {
  readonly apiVersion: ApiVersion;
  readonly kind: Kind;
  readonly metadata: ResourceMetadata;
  readonly spec: Spec;
}

/** A time span as Gateway API writes it: one to four numbers of up to five digits with h, m, s or ms ("1m30s"). */
export type DurationText = string;
