import type { RpcProtocol } from "../rpc.ts";
import type { ResourceBase } from "./metadata.ts";

/** A service of the mesh: its name, its ports, and where its hosts are. */
export type ServiceResource = ResourceBase<"weft.dev/v1", "Service", ServiceSpec>;

/** `http` is HTTP/1.1, or under TLS what ALPN finds; `http2` and `grpc` are HTTP/2 from the first byte. */
export type ServiceProtocol = "http" | "http2" | "grpc" | "tcp" | RpcProtocol;

/** Protocol, ports and hosts of a Service. */
export interface ServiceSpec {
  /** Default "http". */
  readonly protocol?: ServiceProtocol;
  readonly ports: readonly ServicePort[];
  /** Exactly one of `hosts` and `dns`. */
  readonly hosts?: readonly ServiceHost[];
  readonly dns?: ServiceDns;
}

/** A port that references name, and where hosts listen for it. */
export interface ServicePort {
  readonly name?: string;
  /** What references to the Service name. */
  readonly port: number;
  /** Where the hosts listen; default `port`. */
  readonly targetPort?: number;
  /** Default: the Service's. */
  readonly protocol?: ServiceProtocol;
}

/** One host with its weight and place. */
export interface ServiceHost {
  /** IP address or host name. */
  readonly address: string;
  /** Only in a Service with one port; default: the port's `targetPort`. */
  readonly port?: number;
  /** 1 to 1,000,000; default 1. */
  readonly weight?: number;
  readonly zone?: string;
  /** 0 (default) is used first. */
  readonly priority?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Hosts that DNS knows. */
export interface ServiceDns {
  /** Every address of the name is a host. */
  readonly name: string;
  /** Only in a Service with one port; default: the port's `targetPort`. */
  readonly port?: number;
}
