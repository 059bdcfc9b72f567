import type { TableExplanation } from "@weft/proxy";
import { Command, InvalidArgumentError, Option } from "commander";
import { type AdminAddress, adminOption } from "../admin/admin-address.ts";
import { getJson } from "../admin/admin-client.ts";
import { isRouted, pickListeners, renderExplanations } from "../admin/explain-view.ts";
import { findAdmin } from "../admin/find-admin.ts";
import { EXIT_CODE } from "../exit-code.ts";

interface ExplainOptions {
  readonly admin?: AdminAddress;
  readonly header: readonly string[];
  readonly listener?: string;
  readonly json?: boolean;
}

/** `weft explain METHOD URL`: where a request would go, and why not elsewhere. */
export function createCommand(): Command {
  return new Command("explain")
    .description("print how a running mesh or proxy would route a request, and why; status 1 if no route takes it")
    .argument("<method>", "GET, POST, ...", parseMethod)
    .argument(
      "<url>",
      "http://authority/path?query (the authority is the Host header, whoever is asked), or bolt:// or dubbo://interface/method",
      parseTarget,
    )
    .addOption(adminOption())
    .addOption(
      new Option("-H, --header <name:value>", "a header of the request; may be given several times")
        .argParser(collectHeader)
        .default([], "none"),
    )
    .option("--listener <name or port>", "only this listener; default: the one on the URL's port, or else all")
    .option("--json", "print it as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (method: string, target: Target, options: ExplainOptions) => {
      const explanations = await explain(method, target, options);
      const { listener } = options;
      const named = listener === undefined ? explanations : explanations.filter((each) => isServedBy(each, listener));
      if (named.length === 0) throw new Error(noListener(explanations, listener));
      const picked = pickListeners(named, target.port);
      const { asked, others } = picked;
      const output =
        options.json === true ? JSON.stringify([...asked, ...others], undefined, 2) : renderExplanations(picked);
      process.stdout.write(`${output}\n`);
      if (!asked.some(isRouted)) process.exitCode = EXIT_CODE.failed;
    });
}

const EXAMPLES = `
Examples:
  weft explain GET http://shop.example/cart
  weft explain POST http://shop.example:8443/cart -H 'x-version: v2'
  weft explain POST bolt://com.shop.Ledger/record -H 'rpc-version: 1.0'
  weft explain GET http://cart/items --listener outbound --admin 127.0.0.1:15100`;

async function explain(
  method: string,
  { isCall, authority, path: sent }: Target,
  { admin: named, header: headers }: ExplainOptions,
): Promise<readonly TableExplanation[]> {
  const admin = await findAdmin(named);
  // A call is for an interface, which stands in its path as well.
  const path = isCall ? `/${authority}${sent}` : sent;
  const query = new URLSearchParams({ method, authority, path });
  for (const header of headers) query.append("header", header);
  const { explanations } = await getJson<{ explanations: readonly TableExplanation[] }>(
    admin,
    `/api/explain?${query.toString()}`,
    "explanations",
  );
  return explanations;
}

function isServedBy({ listeners }: TableExplanation, wanted: string): boolean {
  return listeners.some(({ name, port }) => name === wanted || String(port) === wanted);
}

function noListener(explanations: readonly TableExplanation[], wanted: string | undefined): string {
  const names = explanations.flatMap(({ listeners }) => listeners.map(({ name, port }) => `${name} (port ${port})`));
  const there = names.length === 0 ? "none routes requests" : `those that route requests are ${names.join(", ")}`;
  return `Cannot explain the routing${wanted === undefined ? "" : ` of listener ${wanted}`}: ${there}`;
}

/** What is asked about, as it was written: a parser of URLs would put right what a client may send wrong. */
interface Target {
  /** A call of an RPC protocol: "bolt://interface/method". */
  readonly isCall: boolean;
  readonly authority: string;
  /** With its query. */
  readonly path: string;
  /** Null where none is named. */
  readonly port: number | null;
}

const TARGET =
  /^(https?|bolt|dubbo):\/\/((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=-]+)(?::([0-9]{1,5}))?)([/?][!"$-~]*)?$/i;

function parseTarget(text: string): Target {
  const [, scheme, authority, port, rest = ""] = TARGET.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) {
    throw new InvalidArgumentError(
      "Expected a URL like http://shop.example/cart?item=1, or bolt://com.shop.Ledger/record for a call.",
    );
  }
  const isCall = !/^http/i.test(scheme);
  const path = rest.startsWith("/") || (isCall && rest === "") ? rest : `/${rest}`;
  return { isCall, authority, path, port: port === undefined ? null : Number(port) };
}

/** A token of RFC 9110 section 5.6.2: what methods and names of fields are made of. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const METHOD = new RegExp(`^${TOKEN}$`);
const HEADER = new RegExp(`^${TOKEN}:[\\t\\x20-\\x7e\\x80-\\xff]*$`);

function parseMethod(text: string): string {
  if (METHOD.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError("Expected an HTTP method such as GET.");
}

function collectHeader(text: string, before: readonly string[]): readonly string[] {
  if (HEADER.test(text)) return [...before, text];
  throw new InvalidArgumentError('Expected a header like "x-version: v2".');
}
