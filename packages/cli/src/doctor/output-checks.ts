import type { World } from "@weft/contract";
import { OtlpClient } from "@weft/proxy";
import { accessLogFile, appendFault } from "../append-fault.ts";
import { type CheckResult, pass } from "./check-result.ts";
import { OTLP_ANSWER_MS_MAX } from "./limits.ts";

/** Whether the access log can be written: a proxy whose log cannot be opened does not start. */
export function checkAccessLog({ settings: { accessLog } }: World): CheckResult {
  const name = "access log";
  const file = accessLogFile(accessLog);
  if (file === null)
    return pass(name, accessLog.target === "stdout" ? "to standard output" : "requests are not logged");
  const fault = appendFault(file);
  if (fault === null) return pass(name, `${file} can be written`);
  const action = "create its folder, give the proxy's user the right to write there, or correct accessLog.target";
  return { name, verdict: "failed", detail: `${file} cannot be opened: ${fault}`, action };
}

/** Whether the collector takes spans, asked as the proxy does, with none. */
export async function checkTracing({ settings: { tracing } }: World): Promise<CheckResult> {
  const name = "tracing";
  const { otlpEndpoint: endpoint } = tracing;
  if (endpoint === "") return pass(name, "no spans are sent");
  const client = new OtlpClient(endpoint);
  try {
    const delivery = await client.send('{"resourceSpans":[]}', AbortSignal.timeout(OTLP_ANSWER_MS_MAX));
    if (delivery.outcome === "delivered") return pass(name, `${endpoint} takes spans`);
    // Where a name has several addresses, none of which answers, the system's error has no words.
    const reason = delivery.detail === "" ? "no connection" : delivery.detail;
    const action =
      "correct tracing.otlpEndpoint, or start the collector; requests are served without it, spans are lost";
    return { name, verdict: "warning", detail: `${endpoint} does not take spans: ${reason}`, action };
  } finally {
    client.close();
  }
}
