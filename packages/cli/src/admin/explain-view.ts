import { renderMatch, type TableExplanation } from "@weft/proxy";
import { renderAdminAddress } from "./admin-address.ts";

type Rule = TableExplanation["nearMisses"][number];
type Listener = TableExplanation["listeners"][number];

/** True if a route takes the request, and not only the answer that none does, or that the listener refuses it. */
export function isRouted({ winner, answer }: TableExplanation): boolean {
  if (answer?.by === "listener") return answer.code === "";
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
  for (const effect of renderEffects(explanation)) lines.push(`  ${effect}`);
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

function renderVerdict({ winner, answer, refusal, status }: TableExplanation): string {
  if (answer?.by === "listener") return `answered ${renderAnswer(answer)}, whatever the route`;
  if (winner === null) return `answered ${status}, ${refusal === "ROUTER_NO_MATCH" ? "no route matches" : refusal}`;
  if (winner.isFallback) return `answered ${status}, no route of ${winner.route} matches`;
  const { action } = winner;
  if (answer !== null) {
    if (action.type === "redirect" && answer.location !== "") {
      return `${renderMatch(winner)}, redirected with ${answer.status} to ${answer.location}`;
    }
    // A preflight goes before whatever else the rule does.
    const isPreflight = answer.code === "" && action.type !== "respond";
    return `${renderMatch(winner)}, answered with ${renderAnswer(answer)}${isPreflight ? " (CORS preflight)" : ""}`;
  }
  if (action.type !== "forward") {
    return `${renderMatch(winner)}, ${action.type === "redirect" ? "redirected" : "answered"} with ${action.status}`;
  }
  if (action.backends.length === 0) return `${renderMatch(winner)}, which has no backends`;
  const targets = action.backends.map((backend) => {
    const share = action.backends.length === 1 ? "" : ` (${percent(backend.share)})`;
    return `${backend.cluster}${renderSubset(backend.subset)}${share}`;
  });
  return `${renderMatch(winner)} -> ${targets.join(", ")}`;
}

/** "405, PROXY_METHOD_REFUSED". */
function renderAnswer({ status, code }: NonNullable<TableExplanation["answer"]>): string {
  return code === "" ? String(status) : `${status}, ${code}`;
}

/** What happens to a request on its way to the host, a line each. */
function renderEffects({ effects, answer, path, winner }: TableExplanation): string[] {
  if (effects === null || answer !== null || winner === null || winner.isFallback) return [];
  const { fault, timeoutMs, retry, mirrors, requestHeaders, responseHeaders } = effects;
  const lines: string[] = [];
  if (fault !== null && fault.abortShare > 0) {
    lines.push(`${percent(fault.abortShare)} are answered with ${fault.abortStatus}, PROXY_FAULT_INJECTED`);
  }
  if (fault !== null && fault.delayShare > 0) lines.push(`${percent(fault.delayShare)} wait ${fault.delayMs} ms first`);
  for (const { cluster, share } of mirrors) lines.push(`${percent(share)} are copied to ${cluster}`);
  if (effects.path !== path) lines.push(`the host sees the path ${effects.path}`);
  if (effects.authority !== effects.sentAuthority) lines.push(`the host sees the host name ${effects.authority}`);
  if (requestHeaders.length > 0) lines.push(`headers of the request: ${requestHeaders.join(", ")}`);
  if (responseHeaders.length > 0) lines.push(`headers of the answer: ${responseHeaders.join(", ")}`);
  if (timeoutMs > 0) lines.push(`504 after ${timeoutMs} ms`);
  if (retry !== null) {
    const each = retry.perTryTimeoutMs > 0 ? `, each try at most ${retry.perTryTimeoutMs} ms` : "";
    lines.push(`tried again up to ${retry.retriesMax} times (${retry.on.join(", ")})${each}`);
  }
  return lines;
}

/** "0.1 %". */
function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** " with version=v2"; nothing where any host will do. */
function renderSubset(labels: Readonly<Record<string, string>> | undefined): string {
  const asked = Object.entries(labels ?? {}).map(([label, value]) => `${label}=${value}`);
  return asked.length === 0 ? "" : ` with ${asked.join(" and ")}`;
}
