import { expect, type Probe } from "./probe.ts";
import { type HttpClient, withClient } from "./http-client.ts";

/** Requests over which weights are judged: enough that 10 % are seen in all but one of 10^9 runs. */
const WEIGHT_REQUESTS = 200;
/** Copies of requests arrive at their own pace. */
const MIRROR_WAIT_MS = 2_000;

/** A probe that needs nothing but HTTP/1.1 to the ingress. */
function httpProbe(name: string, run: (client: HttpClient) => Promise<string>): Probe {
  return { name, run: ({ mesh }) => withClient(mesh.httpPort, run) };
}

async function storefront(client: HttpClient): Promise<string> {
  const page = await client.json("/");
  const cart = page["cart"] as Record<string, unknown> | undefined;
  expect(page["service"] === "storefront", `${JSON.stringify(page)} is not of the storefront`);
  expect(cart?.["service"] === "cart", `${JSON.stringify(page)} has no cart in it`);
  return "ingress → sidecar → storefront → sidecar → sidecar → cart";
}

async function checkout(client: HttpClient): Promise<string> {
  const { payment, order } = await client.json("/checkout");
  const { instance } = payment as Record<string, string>;
  expect(instance?.startsWith("payment-") === true, `no payment instance in ${JSON.stringify(payment)}`);
  return `${String(order)} paid at ${instance}`;
}

async function weights(client: HttpClient): Promise<string> {
  let v2 = 0;
  for (let sent = 0; sent < WEIGHT_REQUESTS; sent++) {
    if ((await client.json("/cart"))["version"] === "v2") v2++;
  }
  const share = (100 * v2) / WEIGHT_REQUESTS;
  expect(share > 0 && share < 30, `${share} % went to v2, about 10 % were wanted`);
  return `${share.toFixed(1)} % of ${WEIGHT_REQUESTS} to v2, 10 % configured`;
}

async function headerRouting(client: HttpClient): Promise<string> {
  for (let sent = 0; sent < 20; sent++) {
    const { version } = await client.json("/cart", { headers: { "x-version": "v2" } });
    expect(version === "v2", `${String(version)} answered a request with x-version: v2`);
  }
  return "x-version: v2 picked v2, 20 times of 20";
}

async function redirect(client: HttpClient): Promise<string> {
  const { status, headers } = await client.send("/old-shop/cart?a=b");
  const { location = "" } = headers;
  expect(status === 301 && location.endsWith("/cart?a=b"), `${status} with location "${location}"`);
  return `301 to ${location}`;
}

async function directResponse(client: HttpClient): Promise<string> {
  const { status, body } = await client.send("/mesh-health");
  expect(status === 200 && body === "the mesh is up\n", `${status} with "${body}"`);
  return "answered by the ingress itself";
}

async function rewrite(client: HttpClient): Promise<string> {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const fields = { "x-internal": "secret", traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const { status, headers, body } = await client.send("/api/headers", { headers: fields });
  expect(status === 200, `/api/headers answered ${status}`);
  const { headers: seen } = JSON.parse(body) as { headers: Record<string, string> };
  expect(seen["x-shop-entrance"] === "api", "x-shop-entrance was not set on the request");
  expect(seen["x-internal"] === undefined, "x-internal was not removed from the request");
  expect(headers["x-served-by"] === "weft", "x-served-by was not added to the answer");
  expect(seen["traceparent"]?.includes(traceId) === true, `traceparent arrived as ${seen["traceparent"]}`);
  return "prefix rewritten, fields set, removed and added, trace context passed on";
}

async function cors(client: HttpClient): Promise<string> {
  const preflight = { origin: "https://shop.example", "access-control-request-method": "GET" };
  const allowed = await client.send("/api/headers", { method: "OPTIONS", headers: preflight });
  const origin = allowed.headers["access-control-allow-origin"];
  expect(allowed.status < 300 && origin === "https://shop.example", `${allowed.status}, allowed origin ${origin}`);
  const foreign = { ...preflight, origin: "https://elsewhere.example" };
  const refused = await client.send("/api/headers", { method: "OPTIONS", headers: foreign });
  expect(refused.headers["access-control-allow-origin"] === undefined, "a foreign origin was allowed");
  return "preflight answered, a foreign origin refused";
}

async function colour(client: HttpClient): Promise<string> {
  const { headers } = await client.json("/api/headers?load-test=true");
  const { "x-weft-colour": mark } = headers as Record<string, string>;
  expect(mark === "load-test", `the mark is ${mark}`);
  return "x-weft-colour: load-test arrived";
}

async function retries(client: HttpClient): Promise<string> {
  for (let sent = 0; sent < 20; sent++) {
    const { attempt } = await client.json(`/flaky?id=check-${process.pid}-${sent}`);
    expect(attempt === 2, `answered by attempt ${String(attempt)}`);
  }
  return "20 requests whose first try failed, 20 answers";
}

async function abort(client: HttpClient): Promise<string> {
  const { status } = await client.send("/trouble/abort");
  expect(status === 418, `${status} instead of 418`);
  return "418 injected";
}

async function delay(client: HttpClient): Promise<string> {
  const startMs = performance.now();
  const { status } = await client.send("/trouble/delay");
  const tookMs = performance.now() - startMs;
  expect(status === 200 && tookMs >= 245, `${status} after ${tookMs.toFixed(0)} ms, 250 ms were wanted`);
  return `answered after ${tookMs.toFixed(0)} ms, 250 ms injected`;
}

async function mirror(client: HttpClient): Promise<string> {
  const count = async (): Promise<number> => Number((await client.json("/recommend/count"))["recommendations"]);
  const before = await count();
  for (let sent = 0; sent < 10; sent++) {
    const { version } = await client.json("/recommend");
    expect(version === "v1", `${String(version)} answered instead of v1`);
  }
  const deadlineMs = performance.now() + MIRROR_WAIT_MS;
  let copies = (await count()) - before;
  while (copies < 10 && performance.now() < deadlineMs) copies = (await count()) - before;
  expect(copies === 10, `${copies} copies of 10 requests arrived`);
  return "10 requests answered by v1, 10 copies at v2";
}

async function noRoute(client: HttpClient): Promise<string> {
  const { status, body } = await client.send("/cart", { headers: { host: "shop.example" }, method: "BREW" });
  expect(status > 0, body);
  const bad = await client.send("/nothing-here");
  expect(bad.status === 404, `${bad.status} for a path that the storefront does not have`);
  return "an unknown path is the application's 404";
}

/** What routes do with HTTP/1.1 requests. */
export const HTTP_PROBES: readonly Probe[] = [
  httpProbe("answer at the ingress", directResponse),
  httpProbe("HTTP through two hops", storefront),
  httpProbe("checkout: HTTP and gRPC", checkout),
  httpProbe("unknown path", noRoute),
  httpProbe("weights", weights),
  httpProbe("header routing", headerRouting),
  httpProbe("redirect", redirect),
  httpProbe("rewrite and header changes", rewrite),
  httpProbe("CORS", cors),
  httpProbe("colouring", colour),
  httpProbe("retries", retries),
  httpProbe("fault: abort", abort),
  httpProbe("fault: delay", delay),
  httpProbe("mirroring", mirror),
];
