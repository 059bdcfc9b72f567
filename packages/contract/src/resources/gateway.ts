import type { ResourceBase } from "./metadata.ts";
import type { ObjectReference } from "./references.ts";

/** Gateway API v1: where traffic enters, and which routes may take it. */
export type GatewayResource = ResourceBase<"gateway.networking.k8s.io/v1", "Gateway", GatewaySpec>;

/** The listeners of a Gateway and where they listen. */
export interface GatewaySpec {
  /** Must be "weft". */
  readonly gatewayClassName: string;
  readonly listeners: readonly GatewayListener[];
  /** Type IPAddress only; default: the proxy's listener address. */
  readonly addresses?: readonly { readonly type?: string; readonly value: string }[];
  readonly tls?: GatewayFrontendTls;
}

/** One port, protocol and host name. */
export interface GatewayListener {
  readonly name: string;
  /** Exact or "*.example.com"; absent matches any. Not for TCP. */
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: "HTTP" | "HTTPS" | "TLS" | "TCP";
  readonly tls?: GatewayListenerTls;
  readonly allowedRoutes?: AllowedRoutes;
}

/** How TLS is ended, or that it is not. */
export interface GatewayListenerTls {
  readonly mode?: "Terminate" | "Passthrough";
  /** Secrets of type kubernetes.io/tls or `weft.dev` Certificates. */
  readonly certificateRefs?: readonly ObjectReference[];
  /** "weft.dev/min-tls-version": "TLSv1.2" (default) or "TLSv1.3". */
  readonly options?: Readonly<Record<string, string>>;
}

/** How clients prove who they are. */
export interface GatewayFrontendTls {
  readonly frontend: {
    readonly default: { readonly validation?: FrontendValidation };
    readonly perPort?: readonly {
      readonly port: number;
      readonly tls: { readonly validation?: FrontendValidation };
    }[];
  };
}

/** Which client certificates are taken. */
export interface FrontendValidation {
  /** ConfigMaps with `ca.crt` or `weft.dev` Certificates with a `caFile`. */
  readonly caCertificateRefs: readonly ObjectReference[];
  /** AllowValidOnly (default): a valid certificate is required. AllowInsecureFallback: it is asked for, and everybody is let in. */
  readonly mode?: "AllowValidOnly" | "AllowInsecureFallback";
}

/** Which routes may attach to a listener. */
export interface AllowedRoutes {
  readonly namespaces?: {
    /** Default Same. */
    readonly from?: "All" | "Same" | "Selector" | "None";
    readonly selector?: LabelSelector;
  };
  readonly kinds?: readonly { readonly group?: string; readonly kind: string }[];
}

/** Conditions on labels; all must hold. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values?: readonly string[];
  }[];
}
