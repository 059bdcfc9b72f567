/** The cart service of the demo shop: node:http, in two versions between which traffic is shifted. */
import { createServer } from "node:http";
import { serveHttp, startApplication } from "./application.ts";
import { answerJson } from "./json-answer.ts";

const options = startApplication();
const version = options.instance.endsWith("v2") ? "v2" : "v1";
const items = version === "v2" ? ["thread", "needle", "thimble"] : ["thread", "needle"];
let recommendations = 0;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://cart");
  request.resume();
  switch (pathname) {
    case "/cart":
      answerJson(response, 200, { service: "cart", version, items });
      return;
    case "/recommend":
      recommendations++;
      answerJson(response, 200, { service: "cart", version, recommended: items.at(-1) });
      return;
    case "/recommend/count":
      answerJson(response, 200, { service: "cart", version, recommendations });
      return;
    case "/healthz":
      answerJson(response, 200, { status: "ok" });
      return;
    default:
      answerJson(response, 404, { error: `cart has no ${pathname}` });
  }
});
serveHttp(server, options);
