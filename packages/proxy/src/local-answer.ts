import { ResponseHead } from "@weft/contract";
import { type Answer, createTextAnswer } from "./answer.ts";
import type { DownstreamConnection } from "./downstream/index.ts";
import type { RouteStats } from "./metrics/index.ts";
import { corsPreflight, redirectLocation, type RouteDecision } from "./router/index.ts";

const EMPTY = Buffer.alloc(0);
const directAnswers: WeakMap<object, Answer> = new WeakMap();

/** The answer of a route that asks no backend: a CORS preflight, a redirect, a fixed text. Null for every other. */
export function answerLocally(
  decision: RouteDecision,
  connection: DownstreamConnection,
  stats: RouteStats | null,
): Answer | null {
  const { rule, head } = decision;
  const { redirect, directResponse } = rule.config;
  if (rule.cors !== null) {
    const preflight = corsPreflight(rule.cors, head);
    if (preflight !== null) {
      if (stats !== null) stats.corsPreflights++;
      return { head: preflight, body: EMPTY };
    }
  }
  if (redirect !== null) {
    const { config } = connection.listener;
    const location = redirectLocation(decision, connection.peer.isTls ? "https" : "http", config.port);
    return { head: new ResponseHead(redirect.status, ["location", location, "content-length", "0"], 0), body: EMPTY };
  }
  if (directResponse === null) return null;
  let answer = directAnswers.get(directResponse);
  if (answer === undefined) {
    answer = createTextAnswer(directResponse.status, directResponse.contentType, directResponse.body);
    directAnswers.set(directResponse, answer);
  }
  return answer;
}
