import { type Answer, type Fields, fieldValue, type ListenerConfig, type RequestHead } from "@weft/contract";
import { judgeHead } from "./admission.ts";
import { type AnswerCode, errorAnswer, isGrpcRequest } from "./answer.ts";
import { answerLocally, faultAnswer } from "./local-answer.ts";
import type { RouteDecision } from "./router/index.ts";

/** What the proxy answers of its own, whatever the rule that matches would have. */
export interface ExplainedAnswer {
  /** Who answers: the listener, before any rule acts, or the rule. */
  readonly by: "listener" | "rule";
  readonly status: number;
  /** As `x-weft-error` says; "" for an answer that is no error. */
  readonly code: string;
  /** Where a redirect leads; "" for others. */
  readonly location: string;
}

/** The head as a listener takes it, which may leave out fields; null if it refuses a field's name. */
export function acceptedHead({ underscores }: ListenerConfig, head: RequestHead): RequestHead | null {
  const hasUnderscore = head.fields.some((name, index) => index % 2 === 0 && name.includes("_"));
  if (!hasUnderscore || underscores === "allow") return head;
  return underscores === "reject" ? null : head.withFields(withoutUnderscores(head.fields));
}

/** What becomes of a head that is refused for the name of a field. */
export const UNDERSCORE_ANSWER: ExplainedAnswer = {
  by: "listener",
  status: 400,
  code: "HTTP1_UNDERSCORE_IN_FIELD_NAME",
  location: "",
};

/** The answer that a listener, or the rule, gives without asking a host, by the steps of the request path; null for none. */
export function explainAnswer(
  config: ListenerConfig,
  head: RequestHead,
  decision: RouteDecision | undefined,
): ExplainedAnswer | null {
  const own = judgeHead(config, head, decision);
  if (typeof own === "string") return answerOf("listener", errorAnswer(own, isGrpcRequest(head)), own);
  if (own !== null) return answerOf("listener", own, "");
  if (decision === undefined) return null;
  const local = answerLocally(decision, config.tls !== null, config.port, null);
  if (local !== null) return answerOf("rule", local, "");
  const { fault } = decision.rule.config;
  const isCertain = fault !== null && fault.abortShare >= 1;
  return isCertain ? answerOf("rule", faultAnswer(decision), "PROXY_FAULT_INJECTED") : null;
}

function answerOf(by: ExplainedAnswer["by"], { head }: Answer, code: AnswerCode | ""): ExplainedAnswer {
  return { by, status: head.status, code, location: fieldValue(head.fields, "location") ?? "" };
}

function withoutUnderscores(fields: Fields): Fields {
  return fields.filter((_, index) => fields[index - (index % 2)]?.includes("_") !== true);
}
