import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { renderNumbers, renderPhases } from "./bench-tables.ts";
import { readErrorCatalogs, readLimits, renderDocuments, renderMetrics, replaceParts } from "./docs.ts";
import { checkErrorCodes, type ErrorCatalog, renderErrors } from "./error-codes.ts";
import { collectLimits, renderLimits, unitOf } from "./limits-table.ts";
import { readLaw } from "./rooms.ts";
import { isTestFile, parseSource, readSources, readText, renderFinding, repositoryRoot } from "./sources.ts";

const CATALOG: ErrorCatalog = {
  path: "packages/proxy/src/router/errors.ts",
  entries: { ROUTER_NO_MATCH: { meaning: "No route matches.", action: "Add a | route." } },
};

function checkCodes(
  text: string,
  catalogs: readonly ErrorCatalog[] = [CATALOG],
  path = "packages/proxy/src/x.ts",
): string[] {
  return checkErrorCodes([parseSource(path, text)], catalogs).map(renderFinding);
}

test("checkErrorCodes() accepts a code that is listed and used, thrown or returned", () => {
  assert.deepEqual(checkCodes(`throw new WeftError("ROUTER_NO_MATCH", "Cannot route request");`), []);
  assert.deepEqual(checkCodes(`export const outcome = { code: "ROUTER_NO_MATCH" };`), []);
});

test("checkErrorCodes() finds a code that no catalog lists, also in a conditional", () => {
  const text = `use("ROUTER_NO_MATCH");\nnew WeftError(a ? "ROUTER_NO_MATCH" : "ROUTER_OTHER", "m");`;
  assert.deepEqual(checkCodes(text), ["packages/proxy/src/x.ts:2 ROUTER_OTHER is in no errors.ts [errors/unlisted]"]);
});

test("checkErrorCodes() does not take a test, a type or the catalog itself for a use", () => {
  const unused = [
    "packages/proxy/src/router/errors.ts:1 ROUTER_NO_MATCH is used nowhere in the source [errors/catalog]",
  ];
  const text = `use("ROUTER_NO_MATCH");`;
  assert.deepEqual(checkCodes(text, [CATALOG], "packages/proxy/src/x.test.ts"), unused);
  assert.deepEqual(checkCodes(text, [CATALOG], CATALOG.path), unused);
  assert.deepEqual(checkCodes(`type Code = "ROUTER_NO_MATCH";`), unused);
});

test("checkErrorCodes() finds codes that are listed twice, misspelt or explained by no sentence", () => {
  const entries = {
    ROUTER_NO_MATCH: { meaning: "No route", action: "Add one." },
    lower: { meaning: "A.", action: "B." },
  };
  const text = `use("ROUTER_NO_MATCH", "lower");`;
  assert.deepEqual(checkCodes(text, [CATALOG, { path: "packages/proxy/src/errors.ts", entries }]), [
    "packages/proxy/src/errors.ts:1 ROUTER_NO_MATCH is in packages/proxy/src/router/errors.ts too [errors/catalog]",
    "packages/proxy/src/errors.ts:1 ROUTER_NO_MATCH needs whole sentences for its meaning and its action [errors/catalog]",
    "packages/proxy/src/errors.ts:1 lower is not written LIKE_THIS [errors/catalog]",
  ]);
});

test("renderErrors() has a heading per catalog and a row per code", () => {
  const text = renderErrors([CATALOG]);
  assert.match(text, /^## proxy\/router$/m);
  assert.match(text, /^\| `ROUTER_NO_MATCH` \| No route matches\. \| Add a \\\| route\. \|$/m);
});

test("every error code of the source is in a catalog, and every catalog entry is used", async () => {
  const files = readSources();
  const catalogs = await readErrorCatalogs(files.filter((file) => !isTestFile(file.path)));
  assert.deepEqual(checkErrorCodes(files, catalogs).map(renderFinding), []);
});

test("unitOf() reads the unit from either spelling of a name", () => {
  const names = ["FRAME_BYTES_MAX", "frameBytesMax", "LINGER_MS", "retryBudgetPercent", "STREAMS_MAX"];
  assert.deepEqual(names.map(unitOf), ["bytes", "bytes", "ms", "%", "count"]);
});

test("collectLimits() takes values from the running code and reasons from the docstrings", () => {
  const text = `
/**
 * Longest wait,
 * because of X | Y.
 */
export const WAIT_MS_MAX = 2 * 1000;
const hidden = 1;
export const BOUNDS = { /** Most of it. */ sizeBytesMax: hidden, other: 2 } as const;
`;
  const file = parseSource("packages/kernel/src/limits.ts", text);
  const rows = collectLimits(file, { WAIT_MS_MAX: 2000, BOUNDS: { sizeBytesMax: 1, other: 2 } });
  assert.deepEqual(
    rows.map(({ path: _, ...row }) => row),
    [
      { name: "WAIT_MS_MAX", value: "2,000", unit: "ms", reason: "Longest wait, because of X \\| Y." },
      { name: "BOUNDS.sizeBytesMax", value: "1", unit: "bytes", reason: "Most of it." },
      { name: "BOUNDS.other", value: "2", unit: "count", reason: "" },
    ],
  );
  assert.match(renderLimits(rows), /^\| `WAIT_MS_MAX` \| 2,000 \| ms \| Longest wait, because of X \\\| Y\. \|$/m);
});

test("every limit has a docstring that gives its reason", async () => {
  const rows = await readLimits(readSources().filter((file) => !isTestFile(file.path)));
  assert.deepEqual(
    rows.filter(({ reason }) => reason === "").map(({ path, name }) => `${path} ${name}`),
    [],
  );
});

test("renderMetrics() has a row per metric", () => {
  const metric = { name: "weft_x_total", type: "counter", unit: "", labels: ["a", "b"], help: "What." };
  assert.match(renderMetrics([metric]), /^\| `weft_x_total` \| counter \| - \| `a` `b` \| What\. \|$/m);
});

test("renderNumbers() shows every figure and every target, missed ones too", () => {
  const text = renderNumbers({
    machine: { cpu: "2 cores", node: "26" },
    rows: [
      { scenario: "h1", peer: "weft", cpu_us_per_request: 47.1234 },
      { scenario: "h1", peer: "nginx", cpu_us_per_request: 34, p99_ms: 1.5 },
    ],
    targets: [{ name: "h1 cpu", limit: 40, value: 47.1234567, ok: false }],
  });
  assert.match(text, /^Measured on 2 cores, 26\.$/m);
  assert.match(text, /^\| scenario \| peer \| cpu us per request \| p99 ms \|$/m);
  assert.match(text, /^\| h1 \| weft \| 47\.1 \| - \|$/m);
  assert.match(text, /^\| h1 cpu \| 40 \| 47\.1 \| missed \|$/m);
});

test("renderPhases() adds clients up, and takes the worst of what cannot be added", () => {
  const row = { scenario: "workers killed", peer: "weft", changes: 3, failed_at_most: 4 };
  const text = renderPhases({
    machine: "2 cores",
    rows: [
      { ...row, client: "a", requests: 100, failed: 2, sent_again: 1, p99_ms: 10.4, gap_ms: 55.5 },
      { ...row, client: "b", requests: 50, failed: 1, sent_again: null, p99_ms: 20.6, gap_ms: null },
    ],
    targets: [
      { name: "x", limit: 0, value: 0, ok: true },
      { name: "y", limit: 0, value: 1, ok: false },
    ],
  });
  assert.match(text, /^Measured on 2 cores\.$/m);
  assert.match(text, /^\| workers killed \| 3 \| 150 \| 3 \| 8 \| 1 \| 21 \| 56 \|$/m);
  assert.match(text, /^1 of 2 targets are met/m);
  assert.match(renderPhases(undefined), /^No results of `\.\/weft bench reload`/);
});

test("replaceParts() replaces between the markers only, and repeats itself exactly", () => {
  const text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n";
  const once = replaceParts("X.md", text, { a: "new\n" });
  assert.equal(once, "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n");
  assert.equal(replaceParts("X.md", once, { a: "new\n" }), once);
  assert.throws(() => replaceParts("X.md", "nothing", { a: "new" }), /X\.md lacks the lines "<!-- begin a -->"/);
});

test("the generated parts of the documents are what the code says", async () => {
  const stale = (await renderDocuments()).flatMap(({ path, current, wanted }) => {
    const lines = current.split("\n");
    const first = wanted.split("\n").find((line, index) => line !== lines[index]);
    return current === wanted ? [] : [`${path} is stale, first where the code says: ${first ?? "(nothing more)"}`];
  });
  assert.deepEqual(stale, [], "run `npm run docs` and commit what it writes");
});

const DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
const ROOMS = Object.keys(readLaw().rooms);

/** Paths that a document names: targets of relative links, and code in backticks that begins with a folder of ours. */
function namedPaths(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "");
  const links = [...prose.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? "");
  const codes = [...prose.matchAll(/`((?:packages|tools|docs|bench|examples|\.ci)\/[\w./-]*|[\w-]+\.(?:md|json))`/g)];
  return [...links, ...codes.map((match) => `/${match[1]}`)];
}

for (const document of [...DOCUMENTS, ...ROOMS.map((room) => `packages/${room}/README.md`)]) {
  test(`${document} names only paths that exist`, () => {
    const missing = namedPaths(readText(document)).filter(
      (path) =>
        !existsSync(path.startsWith("/") ? join(repositoryRoot, path) : join(repositoryRoot, dirname(document), path)),
    );
    assert.deepEqual(missing, []);
  });
}

for (const room of ROOMS) {
  test(`packages/${room}/README.md says job, doors and limits in at most 40 lines`, () => {
    const text = readText(`packages/${room}/README.md`);
    assert.deepEqual(text.match(/^#+ .*$/gm)?.slice(0, 4), [`# ${room}`, "## Job", "## Doors", "## Limits"]);
    assert.ok(text.trimEnd().split("\n").length <= 40);
  });
}

/** The entries of the glossary: term and sentence. */
function readGlossary(): [term: string, text: string][] {
  const entries = readText("docs/GLOSSARY.md").matchAll(/^- \*\*(.+?)\*\*: (.+)$/gm);
  return [...entries].map((match): [string, string] => [match[1] ?? "", match[2] ?? ""]);
}

test("docs/GLOSSARY.md explains the eight stations", () => {
  const terms = new Set(readGlossary().map(([term]) => term));
  assert.equal(readLaw().rooms["proxy"]?.stations?.length, 8);
  for (const station of readLaw().rooms["proxy"]?.stations ?? []) assert.ok(terms.has(station), station);
});

test("docs/GLOSSARY.md is alphabetical, with one sentence per word", () => {
  const entries = readGlossary();
  const terms = entries.map(([term]) => term.toLowerCase());
  assert.deepEqual(
    terms,
    terms.toSorted((a, b) => a.localeCompare(b, "en")),
  );
  assert.equal(new Set(terms).size, terms.length);
  for (const [term, text] of entries) assert.match(text, /^[A-Z][^.]*(?:\.\d[^.]*)?\.$/, term);
});
