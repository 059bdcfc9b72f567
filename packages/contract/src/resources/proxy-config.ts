import type { DurationText, ResourceBase } from "./metadata.ts";
import type { LocalObjectReference } from "./references.ts";
import type { ServiceProtocol } from "./service.ts";
import type { PolicyHeartbeat } from "./traffic-policy.ts";

/** One proxy process: its role in the mesh and what holds for all its listeners. At most one per proxy. */
export type ProxyConfigResource = ResourceBase<"weft.dev/v1", "ProxyConfig", ProxyConfigSpec>;

/** Roles and settings of one proxy. */
export interface ProxyConfigSpec {
  /** This proxy's own zone, for zone-aware balancing. */
  readonly zone?: string;
  /** Who this proxy is to the Services that it shards. */
  readonly node?: {
    /** Stable over restarts and unlike that of other proxies; default: host name and the name of this ProxyConfig. */
    readonly id?: string;
    /** This proxy's number among all proxies of its kind, from 0, each given once. */
    readonly index?: number;
  };
  /** Sidecar: requests of others to the application beside this proxy. */
  readonly inbound?: InboundConfig;
  /** Sidecar: requests of the application to every Service, by the Host header. */
  readonly outbound?: OutboundConfig;
  /** Defaults for all listeners. */
  readonly listenerDefaults?: ListenerSettings;
  /** Changes for the Gateway listeners on one port. */
  readonly listeners?: readonly (ListenerSettings & { readonly port: number })[];
  readonly accessLog?: {
    /** "stdout" or a file's path. */
    readonly target: string;
    /** First match decides. Absent: everything is logged. */
    readonly rules?: readonly AccessLogRuleSpec[];
  };
  readonly tracing?: {
    readonly otlpEndpoint?: string;
    /** Percent of new traces. */
    readonly sample?: number;
  };
  /** `metricsOpen`: beyond loopback `/metrics` needs no token; default false. */
  readonly admin?: { readonly address?: string; readonly port?: number; readonly metricsOpen?: boolean };
  readonly drain?: { readonly deadline?: DurationText };
  /** Most proxies of Weft that one request may pass. */
  readonly hopsMax?: number;
}

/** The listener for requests to the application. */
export interface InboundConfig {
  /** Default 0.0.0.0. */
  readonly address?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The application's port. */
  readonly targetPort: number;
  /** Default 127.0.0.1. */
  readonly targetAddress?: string;
  /** What the application speaks; default "http". */
  readonly protocol?: ServiceProtocol;
  readonly tls?: InboundTls;
  readonly settings?: ListenerSettings;
}

/** TLS that callers of the application need. */
export interface InboundTls {
  /** Secret of type kubernetes.io/tls or Certificate. */
  readonly certificateRef: LocalObjectReference;
  /** ConfigMap with `ca.crt` or Certificate with `caFile`; absent: client certificates are not asked for. */
  readonly caCertificateRef?: LocalObjectReference;
  /** Default "required". */
  readonly clientCertificate?: "optional" | "required";
  /** Default TLSv1.3. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** The listener for requests of the application. */
export interface OutboundConfig {
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly settings?: ListenerSettings;
}

/** What may differ from listener to listener. */
export interface ListenerSettings {
  /** Gateway listeners whose Gateway names no address. */
  readonly address?: string;
  readonly connectionsMax?: number;
  readonly idleTimeout?: DurationText;
  readonly headerTimeout?: DurationText;
  readonly streamIdleTimeout?: DurationText;
  readonly headerBytesMax?: number;
  readonly targetBytesMax?: number;
  /** 0 for no limit. */
  readonly bodyBytesMax?: number;
  /** 0 for any pace. */
  readonly bodyBytesPerSecondMin?: number;
  readonly http2StreamsMax?: number;
  /** Bolt and Dubbo: bytes of one frame; default 16 MiB. */
  readonly rpcFrameBytesMax?: number;
  /** Bolt and Dubbo: calls in progress on one connection; default 4096. */
  readonly rpcStreamsMax?: number;
  /** Signs of life of clients; `peerIdleTimeout` is also how long a Bolt client may be silent. */
  readonly heartbeat?: PolicyHeartbeat;
  readonly proxyProtocol?: "off" | "optional" | "required";
  /** X-Forwarded-* from outside are replaced; default true for Gateways, false for inbound and outbound. */
  readonly edge?: boolean;
  /** `x-weft-colour` of clients is believed; default false at the edge, else true. */
  readonly keepColour?: boolean;
  /** Header names with underscores; default "reject" at the edge, else "allow". */
  readonly underscores?: "reject" | "drop" | "allow";
  /** `x-request-id` of HTTP requests: passed on, made where there is none, or always made; default "pass". */
  readonly requestId?: "pass" | "add" | "replace";
  /** Answers carry the request's id; default false. */
  readonly echoRequestId?: boolean;
  /** Requests without `traceparent` get one; default false. */
  readonly startTraces?: boolean;
  /** HTTPS listeners also answer plain HTTP; default false. */
  readonly allowsPlainText?: boolean;
}

/** Which requests are logged, and how many of them. */
export interface AccessLogRuleSpec {
  readonly statusMin?: number;
  readonly durationMin?: DurationText;
  /** Routes as namespace/name. */
  readonly routes?: readonly string[];
  /** Percent. */
  readonly sample?: number;
}
