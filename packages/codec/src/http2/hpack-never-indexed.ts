import { NEVER_INDEXED_NAME_BYTES_MAX, NEVER_INDEXED_NAMES_MAX } from "./limits.ts";

/**
 * Names whose values some peer sent as "never indexed". Whoever passes such a field on must not index it either
 * (RFC 7541 section 6.2.3); neutral heads carry no such mark, so the name is remembered for all encoders of the worker.
 */
const names: Set<string> = new Set();

/** A peer marked a field of this name. */
export function rememberNeverIndexed(name: string): void {
  if (names.size < NEVER_INDEXED_NAMES_MAX && name.length <= NEVER_INDEXED_NAME_BYTES_MAX) names.add(name);
}

/** True when fields of this name must not enter a table. */
export function isNeverIndexed(name: string): boolean {
  return names.has(name);
}
