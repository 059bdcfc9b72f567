import { isIP } from "node:net";
import type { ProxyConfigResource, ProxyConfigSpec } from "@weft/contract";
import * as z from "zod";
import {
  boolean,
  checked,
  duration,
  integer,
  list,
  listenPort,
  object,
  optional,
  percentage,
  plainText,
  port,
  positiveDuration,
  type Report,
  text,
  word,
} from "./fields.ts";
import { CLIENTS_MAX } from "../limits.ts";
import { heartbeat } from "./heartbeat.ts";
import { resource } from "./metadata.ts";
import { localObjectReference } from "./references.ts";

const ipAddress = z
  .string({ error: "an IP address to listen on" })
  .refine((value) => isIP(value) !== 0, { error: "an IP address to listen on" });

const settingsFields = {
  connectionsMax: optional(integer(1, 1_000_000)),
  idleTimeout: optional(positiveDuration),
  headerTimeout: optional(positiveDuration),
  streamIdleTimeout: optional(positiveDuration),
  headerBytesMax: optional(integer(1024, 1_048_576)),
  targetBytesMax: optional(integer(256, 1_048_576)),
  bodyBytesMax: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  bodyBytesPerSecondMin: optional(integer(0, 1_000_000_000)),
  http2StreamsMax: optional(integer(1, 65_535)),
  rpcFrameBytesMax: optional(integer(1024, 0x7fff_ffff)),
  rpcStreamsMax: optional(integer(1, 1_048_576)),
  heartbeat: optional(heartbeat),
  proxyProtocol: optional(word(["off", "optional", "required"])),
  edge: optional(boolean),
  keepColour: optional(boolean),
  underscores: optional(word(["reject", "drop", "allow"])),
  requestId: optional(word(["pass", "add", "replace"])),
  echoRequestId: optional(boolean),
  startTraces: optional(boolean),
  allowsPlainText: optional(boolean),
};

const sidecarSettings = object(settingsFields, { address: "the address stands beside the port" });

/** Weft's ProxyConfig. */
export const proxyConfigSchema: z.ZodType<ProxyConfigResource> = resource(
  ["weft.dev/v1"],
  "ProxyConfig",
  checked(
    object({
      zone: optional(text("a zone's name of 1 to 63 characters", 63)),
      node: optional(
        object({
          id: optional(plainText("an identity of 1 to 1024 bytes without control characters", 1024)),
          index: optional(integer(0, CLIENTS_MAX - 1)),
        }),
      ),
      inbound: optional(
        object({
          address: optional(ipAddress),
          port: listenPort,
          targetPort: port,
          targetAddress: optional(ipAddress),
          protocol: optional(word(["http", "http2", "grpc", "tcp", "bolt", "dubbo"])),
          tls: optional(
            object({
              certificateRef: localObjectReference,
              caCertificateRef: optional(localObjectReference),
              clientCertificate: optional(word(["optional", "required"])),
              minVersion: optional(word(["TLSv1.2", "TLSv1.3"])),
            }),
          ),
          settings: optional(sidecarSettings),
        }),
      ),
      outbound: optional(
        object({ address: optional(ipAddress), port: listenPort, settings: optional(sidecarSettings) }),
      ),
      listenerDefaults: optional(object({ ...settingsFields, address: optional(ipAddress) })),
      listeners: optional(list(object({ ...settingsFields, address: optional(ipAddress), port }), 64)),
      accessLog: optional(
        object({
          target: text('"stdout" or the path of a file', 1024, /^[^\0]+$/),
          rules: optional(
            list(
              object({
                statusMin: optional(integer(0, 599)),
                durationMin: optional(duration),
                routes: optional(list(text("a route as namespace/name", 512, /^[^\s/]+\/[^\s]+$/), 256)),
                sample: optional(percentage),
              }),
              64,
              1,
            ),
          ),
        }),
      ),
      tracing: optional(
        object({
          otlpEndpoint: optional(
            text(
              'an http or https URL such as "http://127.0.0.1:4318/v1/traces"',
              1024,
              /^https?:\/\/[^\s/]+(?:\/\S*)?$/,
            ),
          ),
          sample: optional(percentage),
        }),
      ),
      admin: optional(
        object({ address: optional(ipAddress), port: optional(listenPort), metricsOpen: optional(boolean) }),
      ),
      drain: optional(object({ deadline: optional(duration) })),
      hopsMax: optional(integer(1, 255)),
    }),
    checkProxyConfig,
  ),
);

function checkProxyConfig({ inbound, listeners = [] }: ProxyConfigSpec, report: Report): void {
  const ports = listeners.map((each) => each.port);
  for (const [index, number] of ports.entries()) {
    if (ports.indexOf(number) !== index)
      report(["listeners", index, "port"], "a port that is not in this list already");
  }
  if (inbound === undefined) return;
  const { address = "0.0.0.0", targetAddress = "127.0.0.1", port: number, targetPort } = inbound;
  if (number === targetPort && (address === targetAddress || address === "0.0.0.0" || address === "::")) {
    report(["inbound", "targetPort"], "another port than inbound.port: the proxy would forward to itself");
  }
  if (inbound.tls?.clientCertificate !== undefined && inbound.tls.caCertificateRef === undefined) {
    report(["inbound", "tls", "clientCertificate"], "caCertificateRef beside it, to check client certificates with");
  }
}
