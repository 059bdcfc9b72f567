import type { PolicySharding, PolicySubsets } from "@weft/contract";
import * as z from "zod";
import { CLIENTS_MAX, SUBSET_KEYS_MAX, SUBSET_SELECTORS_MAX, SUBSETS_BUILT_MAX } from "../limits.ts";
import {
  checked,
  decimal,
  headerName,
  integer,
  labelMap,
  list,
  object,
  optional,
  plainText,
  type Report,
  word,
} from "./fields.ts";

const HOSTS_MAX = 100_000;
const COUNT_MAX = 1_000_000_000;

const SIZE = `a number of hosts from 1 to ${HOSTS_MAX}, a percentage above zero such as "20%", or "auto"`;

/** A part of the hosts: what `shardSize` reads. */
const size = z.union([z.number(), z.string()], { error: SIZE }).refine(
  (value) => {
    if (typeof value === "number") return Number.isInteger(value) && value >= 1 && value <= HOSTS_MAX;
    if (value === "auto") return true;
    const percent = parsePercent(value);
    return percent !== undefined && percent > 0 && percent <= 100;
  },
  { error: SIZE },
);

/** 12.5 for "12.5%"; undefined for what is no percentage. */
export function parsePercent(text: string): number | undefined {
  const digits = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function checkSharding(value: PolicySharding, report: Report): void {
  const { algorithm, size: wanted = "auto", clientIndex, clientCount } = value;
  if (algorithm === "none") {
    for (const field of Object.keys(value)) {
      if (field !== "algorithm") report([field], 'no other field beside algorithm "none"');
    }
    return;
  }
  if (typeof wanted === "number" && value.hostsMin !== undefined) report(["hostsMin"], "no hostsMin for a fixed size");
  for (const field of ["requestsPerConnection", "connectionsPerHostMax"] as const) {
    if (wanted !== "auto" && value[field] !== undefined) report([field], `no ${field} unless size is "auto"`);
  }
  if (wanted === "auto" && value.hostsMin !== undefined && value.hostsMin < 5) {
    report(["hostsMin"], 'at least 5 where size is "auto": with fewer, one host that fails hits hard');
  }
  if (value.connectionsPerHostMax !== undefined && clientCount === undefined) {
    report(["connectionsPerHostMax"], "clientCount beside it: without, nobody knows how many connections a host has");
  }
  if (clientIndex !== undefined && clientCount !== undefined && clientIndex >= clientCount) {
    report(["clientIndex"], `less than clientCount, ${clientCount}`);
  }
}

/** Which part of the hosts each proxy connects to. */
export const sharding: z.ZodType<PolicySharding> = checked(
  object({
    algorithm: word(["balanced", "consistent-hash", "rendezvous", "deterministic", "none"]),
    size: optional(size),
    hostsMin: optional(integer(1, HOSTS_MAX)),
    requestsPerConnection: optional(decimal(0.001, COUNT_MAX)),
    connectionsPerHostMax: optional(integer(1, COUNT_MAX)),
    clientId: optional(plainText("an identity of 1 to 1024 bytes without control characters", 1024)),
    clientIndex: optional(integer(0, CLIENTS_MAX - 1)),
    clientCount: optional(integer(1, CLIENTS_MAX)),
  }),
  checkSharding,
);

const labelKey = plainText("a label's name of 1 to 253 bytes without control characters", 253);
const fallback = word(["none", "any", "default"]);

function checkSubsets({ selectors, fallback: outer, defaultLabels }: PolicySubsets, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { keys }] of selectors.entries()) {
    for (const [place, key] of keys.entries()) {
      if (keys.indexOf(key) !== place) report(["selectors", index, "keys", place], "a key that is not in this list");
    }
    const name = JSON.stringify(keys.toSorted());
    if (seen.has(name)) report(["selectors", index, "keys"], "other keys than those of another selector");
    seen.add(name);
  }
  const isDefaultUsed = outer === "default" || selectors.some((selector) => selector.fallback === "default");
  if (isDefaultUsed && Object.keys(defaultLabels ?? {}).length === 0) {
    report(["defaultLabels"], 'at least one label, because a fallback is "default"');
  }
  if (!isDefaultUsed && defaultLabels !== undefined) {
    report(["defaultLabels"], 'no defaultLabels unless a fallback is "default"');
  }
}

/** By which labels requests may choose among the hosts. */
export const subsets: z.ZodType<PolicySubsets> = checked(
  object({
    selectors: list(
      object({ keys: list(labelKey, SUBSET_KEYS_MAX, 1), fallback: optional(fallback) }),
      SUBSET_SELECTORS_MAX,
      1,
    ),
    fallback: optional(fallback),
    defaultLabels: optional(labelMap),
    subsetsMax: optional(integer(1, SUBSETS_BUILT_MAX)),
  }),
  checkSubsets,
);

type SubsetFields = {
  readonly subset: z.ZodExactOptional<z.ZodType<Record<string, string>>>;
  readonly subsetHeaders: z.ZodExactOptional<z.ZodType<Record<string, string>>>;
};

/** Fields of a backend reference by which a route chooses among the hosts. */
export const subsetFields: SubsetFields = {
  subset: optional(labelMap),
  subsetHeaders: optional(z.record(z.string(), headerName, { error: "a mapping of labels to names of headers" })),
};
