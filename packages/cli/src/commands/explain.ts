import type { AdminSource } from "@weft/proxy";
import { Command, InvalidArgumentError } from "commander";
import { type AdminAddress, adminOption } from "../admin/admin-address.ts";
import { getJson } from "../admin/admin-client.ts";
import { EXIT_CODE } from "../exit-code.ts";

/** Why one route table sends a request where it does. */
type Explanation = Awaited<ReturnType<AdminSource["explain"]>>[number];

interface ExplainOptions {
  readonly admin: AdminAddress;
  readonly header: readonly string[];
  readonly table?: string;
  readonly json?: boolean;
}

/** `weft explain METHOD URL`: where a request would go, and why not elsewhere. */
export function createCommand(): Command {
  return new Command("explain")
    .description("print how a running mesh or proxy would route a request, and why; status 1 if nothing matches")
    .argument("<method>", "GET, POST, ...")
    .argument("<url>", "http://authority/path?query; the authority is the Host header, whoever is asked", parseUrl)
    .addOption(adminOption())
    .option("-H, --header <name:value>", "a header of the request; may be given several times", collectHeader, [])
    .option("--table <name>", "only this route table")
    .option("--json", "print it as JSON")
    .action(async (method: string, url: URL, options: ExplainOptions) => {
      const explanations = await explain(method, url, options);
      const output =
        options.json === true ? JSON.stringify(explanations, undefined, 2) : explanations.map(render).join("\n\n");
      process.stdout.write(`${output}\n`);
      if (!explanations.some(({ winner }) => winner !== null)) process.exitCode = EXIT_CODE.failed;
    });
}

async function explain(method: string, url: URL, options: ExplainOptions): Promise<readonly Explanation[]> {
  const query = new URLSearchParams({
    method: method.toUpperCase(),
    authority: url.host,
    path: `${url.pathname}${url.search}`,
    table: options.table ?? "",
  });
  for (const header of options.header) query.append("header", header);
  const { explanations } = await getJson<{ explanations: readonly Explanation[] }>(
    options.admin,
    `/api/explain?${query.toString()}`,
  );
  return explanations;
}

function render({ table, host, path, groups, winner, refusal, isTruncated }: Explanation): string {
  const verdict =
    winner === null ? `no route (${refusal ?? "unknown"})` : `route ${winner.route}, rule ${winner.rule + 1}`;
  const lines = [`table ${table}: ${host}${path} -> ${verdict}`];
  for (const { hostname, candidates } of groups) {
    lines.push(`  host ${hostname}`);
    for (const { route, rule, path: pathMatch, rejectedBecause } of candidates) {
      const mark = rejectedBecause === null ? "✔" : "✖";
      const reason = rejectedBecause === null ? "" : `: ${rejectedBecause}`;
      lines.push(`    ${mark} ${route}, rule ${rule + 1}, ${pathMatch}${reason}`);
    }
  }
  if (isTruncated) lines.push("    ... and more that were looked at");
  return lines.join("\n");
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError("Expected a URL like http://shop.example/cart?item=1.");
}

function collectHeader(text: string, before: readonly string[]): readonly string[] {
  if (/^[^:\s]+:/.test(text)) return [...before, text];
  throw new InvalidArgumentError('Expected a header like "x-version: v2".');
}
