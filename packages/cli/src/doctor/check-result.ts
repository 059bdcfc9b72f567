import { FINDINGS_SHOWN_MAX } from "./limits.ts";

/** How bad it is: `warning` is worth knowing, `failed` keeps Weft from working, `skipped` could not be looked at. */
export type Verdict = "ok" | "warning" | "failed" | "skipped";

/** What one check found. */
export interface CheckResult {
  /** "ports", "certificates", ... */
  readonly name: string;
  readonly verdict: Verdict;
  /** What is there. */
  readonly detail: string;
  /** What to do about it; "" where there is nothing to do. */
  readonly action: string;
}

/** Nothing to complain of. */
export function pass(name: string, detail: string): CheckResult {
  return { name, verdict: "ok", detail, action: "" };
}

/** Could not be looked at here, and why. */
export function skip(name: string, detail: string): CheckResult {
  return { name, verdict: "skipped", detail, action: "" };
}

/** One thing that a check found wrong. */
export interface Finding {
  readonly verdict: "warning" | "failed";
  readonly detail: string;
  readonly action: string;
}

/** Several findings as one result, the worst first; `good` says what is there when there are none. */
export function conclude(name: string, findings: readonly Finding[], good: string): CheckResult {
  if (findings.length === 0) return pass(name, good);
  const sorted = [...findings].sort((a, b) => Number(b.verdict === "failed") - Number(a.verdict === "failed"));
  const shown = sorted.slice(0, FINDINGS_SHOWN_MAX);
  const more = sorted.length - shown.length;
  const details = shown.map(({ detail }) => detail);
  if (more > 0) details.push(`and ${more} more`);
  const actions = new Set(shown.map(({ action }) => action));
  return { name, verdict: sorted[0]?.verdict ?? "ok", detail: details.join("; "), action: [...actions].join("; ") };
}
