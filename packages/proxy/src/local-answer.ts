import { type Answer, fieldValue, ResponseHead } from "@weft/contract";
import { assert } from "@weft/kernel";
import { createTextAnswer, errorAnswer, isGrpcRequest } from "./answer.ts";
import type { RouteStats } from "./metrics/index.ts";
import {
  corsChange,
  corsPreflight,
  redirectLocation,
  type RouteDecision,
  withResponseChanges,
} from "./router/index.ts";

const EMPTY = Buffer.alloc(0);
const directAnswers: WeakMap<object, Answer> = new WeakMap();

/**
 * The answer of a route that asks no backend: a CORS preflight, a redirect, a fixed text. Null for every other. `isTls` and
 * `port`: how the client came, for what a redirect leaves open.
 */
export function answerLocally(
  decision: RouteDecision,
  isTls: boolean,
  port: number,
  stats: RouteStats | null,
): Answer | null {
  const { rule, head } = decision;
  const { redirect, directResponse } = rule.config;
  if (rule.cors !== null) {
    const preflight = corsPreflight(rule.cors, head);
    if (preflight !== null) {
      if (stats !== null) stats.corsPreflights++;
      return { head: withResponseChanges(preflight, rule.responseChange), body: EMPTY };
    }
  }
  if (redirect !== null) {
    const location = redirectLocation(decision, isTls ? "https" : "http", port);
    const answer = new ResponseHead(redirect.status, ["location", location, "content-length", "0"], 0);
    return { head: changed(decision, answer), body: EMPTY };
  }
  if (directResponse === null) return null;
  let answer = directAnswers.get(directResponse);
  if (answer === undefined) {
    answer = createTextAnswer(directResponse.status, directResponse.contentType, directResponse.body);
    directAnswers.set(directResponse, answer);
  }
  return { head: changed(decision, answer.head), body: answer.body };
}

/** The answer to a request that the route's fault filter aborts. */
export function faultAnswer(decision: RouteDecision): Answer {
  const { fault } = decision.rule.config;
  assert(fault !== null, "only a route with a fault filter aborts requests");
  const isGrpc = isGrpcRequest(decision.head);
  const { head, body } = errorAnswer("PROXY_FAULT_INJECTED", isGrpc, fault.abortStatus, fault.abortGrpcStatus);
  return { head: withCors(decision, head), body };
}

/** The rule's changes hold for what the proxy answers as for what a backend answers, and pages may read it by CORS. */
function changed(decision: RouteDecision, head: ResponseHead): ResponseHead {
  return withCors(decision, withResponseChanges(head, decision.rule.responseChange));
}

/** `head` as the route's CORS policy lets pages read it; without it a browser hides even what went wrong from them. */
export function withCors(decision: RouteDecision | null, head: ResponseHead): ResponseHead {
  const cors = decision === null ? null : decision.rule.cors;
  if (decision === null || cors === null) return head;
  return withResponseChanges(head, corsChange(cors, fieldValue(decision.head.fields, "origin")));
}
