import type { ServiceResource, ServiceSpec } from "@weft/contract";
import type * as z from "zod";
import {
  checked,
  integer,
  list,
  object,
  optional,
  port,
  type Report,
  sectionName,
  text,
  labelMap,
  word,
} from "./fields.ts";
import { SERVICE_HOSTS_MAX } from "../limits.ts";
import { resource } from "./metadata.ts";

const protocol = word(["http", "http2", "grpc", "tcp", "bolt", "dubbo"]);

/** An IP address or a host name, as a connection is made to. */
export const hostAddress: z.ZodType<string> = text(
  "an IP address (IPv6 without brackets) or a host name",
  253,
  /^(?:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[A-Za-z0-9]+)?|[A-Za-z0-9_](?:[-A-Za-z0-9_.]*[A-Za-z0-9_])?)$/,
);

function checkService({ ports, hosts, dns }: ServiceSpec, report: Report): void {
  if ((hosts === undefined) === (dns === undefined)) report([], "exactly one of hosts and dns");
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, { name, port: number }] of ports.entries()) {
    if (numbers.has(number)) report(["ports", index, "port"], "a port that is not in this list already");
    if (name !== undefined && names.has(name))
      report(["ports", index, "name"], "a name that is not in this list already");
    if (ports.length > 1 && name === undefined)
      report(["ports", index], "a name, because the Service has several ports");
    numbers.add(number);
    if (name !== undefined) names.add(name);
  }
  if (ports.length > 1 && dns?.port !== undefined)
    report(["dns", "port"], "no port here, because the Service has several: use ports[].targetPort");
  const keys = new Set<string>();
  for (const [index, host] of (hosts ?? []).entries()) {
    const key = `${host.address} ${host.port ?? ports[0]?.targetPort ?? ports[0]?.port ?? 0}`;
    if (ports.length > 1 && host.port !== undefined) {
      report(["hosts", index, "port"], "no port here, because the Service has several: use ports[].targetPort");
    } else if (keys.has(key)) report(["hosts", index], "an address and port that is not in this list already");
    keys.add(key);
  }
}

/** Weft's Service. */
export const serviceSchema: z.ZodType<ServiceResource> = resource(
  ["weft.dev/v1"],
  "Service",
  checked(
    object({
      protocol: optional(protocol),
      ports: list(
        object({ name: optional(sectionName), port, targetPort: optional(port), protocol: optional(protocol) }),
        64,
        1,
      ),
      hosts: optional(
        list(
          object({
            address: hostAddress,
            port: optional(port),
            weight: optional(integer(1, 1_000_000)),
            zone: optional(text("a zone's name of 1 to 63 characters", 63)),
            priority: optional(integer(0, 127)),
            labels: optional(labelMap),
          }),
          SERVICE_HOSTS_MAX,
        ),
      ),
      dns: optional(object({ name: hostAddress, port: optional(port) })),
    }),
    checkService,
  ),
);
