import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { runCaptured } from "./process.ts";
import { readText, repositoryRoot } from "./sources.ts";

const lines = (count: number, text: string): string => Array.from({ length: count }, () => text).join("\n");

/** Rule -> a file that breaks it, by name and text; what the rules of style and the typed rules are there for. */
const FIXTURES: readonly (readonly [rule: string, file: string, text: string])[] = [
  ["unicorn(filename-case)", "camelCase.ts", "export const a = 1;"],
  ["eslint(max-lines)", "long.ts", lines(501, "export {};")],
  ["eslint(max-lines-per-function)", "function.ts", `export function f(): void {\n${lines(70, "f();")}\n}`],
  ["import(no-default-export)", "default.ts", "export default 1;"],
  ["typescript(no-explicit-any)", "any.ts", "export const a = (x: any): number => x as number;"],
  ["typescript(no-non-null-assertion)", "bang.ts", "export const a = (x?: string): string => x!;"],
  ["eslint(no-console)", "console.ts", `console.log("x");`],
  ["typescript(no-floating-promises)", "floating.ts", "const f = async (): Promise<void> => {};\nf();\nexport {};"],
  ["typescript(no-misused-promises)", "misused.ts", "export const f = (p: Promise<boolean>): number => (p ? 1 : 2);"],
  ["typescript(await-thenable)", "thenable.ts", "export const f = async (): Promise<number> => await 1;"],
  [
    "typescript(switch-exhaustiveness-check)",
    "switch.ts",
    `export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n  }\n}`,
  ],
  ["typescript(only-throw-error)", "throw.ts", `export function f(x: string): void {\n  throw x;\n}`],
  ["unicorn(prefer-node-protocol)", "protocol.ts", `import { join } from "path";\nexport const a = join;`],
];

/** What the hot path is written with, and what tests start without waiting. */
const ALLOWED = `
import { test } from "node:test";
export function f(bytes: Uint8Array): number {
  let sum = 0;
  outer: for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if ((byte & 0x80) !== 0) continue outer;
    sum = ((sum << 1) | byte) >>> 0;
  }
  return sum;
}
test("f() adds", () => {});
`;

let output = "";

before(async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-lint-"));
  try {
    for (const [, file, text] of FIXTURES) writeFileSync(join(folder, file), `${text}\n`);
    writeFileSync(join(folder, "allowed.ts"), ALLOWED);
    writeFileSync(join(folder, "long.test.ts"), `export function f(): void {\n${lines(70, "f();")}\n}\n`);
    const typeRoots = [join(repositoryRoot, "node_modules/@types")];
    const compilerOptions = { target: "ES2024", module: "NodeNext", strict: true, types: ["node"], typeRoots };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const linter = join(repositoryRoot, "node_modules/oxlint/bin/oxlint");
    const config = join(repositoryRoot, ".oxlintrc.json");
    ({ output } = await runCaptured(process.execPath, [linter, "--config", config, "--format", "unix", folder]));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [rule, file] of FIXTURES) {
  test(`the linter's ${rule} finds what breaks it`, () => {
    const code = rule.replace("(", "\\(").replace(")", "\\)");
    const name = rule.slice(rule.indexOf("(") + 1, -1);
    assert.match(output, new RegExp(`${file.replace(".", "\\.")}:.*(?:${code}|${name})`), output);
  });
}

test("the linter allows bit operations, labels, loops and tests that nobody awaits", () => {
  assert.doesNotMatch(output, /allowed\.ts/);
});

test("the linter lets functions of tests be long", () => {
  assert.doesNotMatch(output, /long\.test\.ts/);
});

test("the compiler refuses enums", () => {
  assert.match(readText("tsconfig.json"), /"erasableSyntaxOnly": true/);
});
