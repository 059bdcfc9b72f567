/** The Gateway, or in a mesh the Service, that a route attaches to. */
export interface ParentReference {
  /** Default "gateway.networking.k8s.io"; "" or "weft.dev" for a Service. */
  readonly group?: string;
  /** "Gateway" (default) or "Service". */
  readonly kind?: string;
  /** Default: the route's. */
  readonly namespace?: string;
  readonly name: string;
  /** One listener of the Gateway, or one port of the Service by its name. */
  readonly sectionName?: string;
  readonly port?: number;
}

/** A Service and its port. */
export interface BackendObjectReference {
  /** "" (default) or "weft.dev". */
  readonly group?: string;
  /** "Service". */
  readonly kind?: string;
  readonly name: string;
  /** Default: the route's; another needs a ReferenceGrant there. */
  readonly namespace?: string;
  readonly port?: number;
}

/** Which hosts of a backend serve a request, by labels; the Service's TrafficPolicy has `subsets` for it. */
export interface SubsetChoice {
  /** Label values by label. */
  readonly subset?: Readonly<Record<string, string>>;
  /** Names of headers by label: the request's value is the label's; without the header the label is not asked for. */
  readonly subsetHeaders?: Readonly<Record<string, string>>;
}

/** A backend with its share of the requests. */
export interface BackendRef extends BackendObjectReference {
  /** 0 to 1,000,000, relative to the others of the rule; default 1. */
  readonly weight?: number;
}

/** An object of the same namespace. */
export interface LocalObjectReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

/** An object that may live in another namespace, which must then grant it. */
export interface ObjectReference {
  /** "" for Secret and ConfigMap, "weft.dev" for Certificate. */
  readonly group?: string;
  readonly kind?: string;
  readonly name: string;
  readonly namespace?: string;
}

/** What a policy acts on; always in the policy's own namespace. */
export interface PolicyTargetReference {
  /** Default: the group of the kind. */
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  /** Gateway: listener. Route: rule. Service: port name or number. Absent: all of it. */
  readonly sectionName?: string;
}
