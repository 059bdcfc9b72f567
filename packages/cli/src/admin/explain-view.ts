import { renderMatch, type TableExplanation } from "@weft/proxy";
import { renderAdminAddress } from "./admin-address.ts";

type Rule = TableExplanation["nearMisses"][number];
type Listener = TableExplanation["listeners"][number];

/** True if a route takes the request, and not only the answer that none does. */
export function isRouted({ winner }: TableExplanation): boolean {
  return winner !== null && !winner.isFallback;
}

/** The explanations that answer a question, and those that are worth a look where they do not. */
interface Picked {
  readonly asked: readonly TableExplanation[];
  readonly others: readonly TableExplanation[];
  /** A port that was asked about and that no listener of these explanations is on; null for none. */
  readonly missingPort: number | null;
}

/**
 * The explanations that answer a question about `port`: those of the listeners on it. All of them where no port is
 * named, or where nobody listens on it: then it is only a part of the Host header.
 */
export function pickListeners(explanations: readonly TableExplanation[], port: number | null): Picked {
  const isAsked = ({ listeners }: TableExplanation): boolean => listeners.some((listener) => listener.port === port);
  const asked = explanations.filter(isAsked);
  return asked.length === 0
    ? { asked: explanations, others: [], missingPort: port }
    : { asked, others: explanations.filter((explanation) => !isAsked(explanation)), missingPort: null };
}

/** What `weft explain` prints for people. */
export function renderExplanations({ asked, others, missingPort }: Picked): string {
  const sections = asked.map((explanation) => renderExplanation(explanation).join("\n"));
  if (missingPort !== null) {
    sections.unshift(`No listener is on port ${missingPort}. To one of these, as a part of the Host header:`);
  }
  const elsewhere = asked.some(isRouted) ? [] : others.filter(isRouted);
  if (elsewhere.length > 0) sections.push(elsewhere.map(renderElsewhere).join("\n"));
  return sections.join("\n\n");
}

function renderElsewhere(explanation: TableExplanation): string {
  return `But ${renderPlace(explanation)} routes it: ${renderVerdict(explanation)}`;
}

function renderExplanation(explanation: TableExplanation): string[] {
  const { groups, nearMisses, isTruncated } = explanation;
  const lines = [`${renderPlace(explanation)}: ${renderVerdict(explanation)}`];
  for (const { hostname, candidates } of groups) {
    if (candidates.length > 0) lines.push(`  rules for host ${hostname} that fit the path`);
    for (const candidate of candidates) lines.push(`    ${renderRule(candidate)}`);
  }
  if (nearMisses.length > 0) lines.push("  nearest of the other rules");
  for (const rule of nearMisses) lines.push(`    ${renderRule(rule)}`);
  if (isTruncated) lines.push("  ... and more rules than are listed");
  return lines;
}

function renderRule(rule: Rule): string {
  const mark = rule.rejectedBecause.length === 0 ? "✔" : "✖";
  const reasons = rule.rejectedBecause.length === 0 ? "" : `: ${rule.rejectedBecause.join("; ")}`;
  return `${mark} ${renderMatch(rule)} ${rule.path}${reasons}`;
}

function renderPlace({ table, listeners }: TableExplanation): string {
  if (listeners.length === 0) return `route table ${table}, which no listener uses`;
  return `listener ${listeners.map(renderListener).join(" and ")}`;
}

/** Listeners of Gateways are called by their address; those of sidecars have names. */
function renderListener({ name, isTls, ...address }: Listener): string {
  const where = renderAdminAddress(address);
  return `${name === where ? where : `${name} ${where}`}${isTls ? " (TLS)" : ""}`;
}

function renderVerdict({ winner, refusal, status }: TableExplanation): string {
  if (winner === null) return `answered ${status}, ${refusal === "ROUTER_NO_MATCH" ? "no route matches" : refusal}`;
  if (winner.isFallback) return `answered ${status}, no route of ${winner.route} matches`;
  const { action } = winner;
  if (action.type !== "forward") {
    return `${renderMatch(winner)}, ${action.type === "redirect" ? "redirected" : "answered"} with ${action.status}`;
  }
  if (action.backends.length === 0) return `${renderMatch(winner)}, which has no backends`;
  const targets = action.backends.map((backend) => {
    const share = action.backends.length === 1 ? "" : ` (${Math.round(backend.share * 1000) / 10} %)`;
    return `${backend.cluster}${renderSubset(backend.subset)}${share}`;
  });
  return `${renderMatch(winner)} -> ${targets.join(", ")}`;
}

/** " with version=v2"; nothing where any host will do. */
function renderSubset(labels: Readonly<Record<string, string>> | undefined): string {
  const asked = Object.entries(labels ?? {}).map(([label, value]) => `${label}=${value}`);
  return asked.length === 0 ? "" : ` with ${asked.join(" and ")}`;
}
