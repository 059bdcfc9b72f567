import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "./test-command.ts";

test("weft says how a command is used when it is used wrongly, and ends with 2", async () => {
  const uses = [
    ["up", "up [options]"],
    ["proxy", "proxy [options] [path]"],
    ["status", "status [options]"],
    ["top", "top [options]"],
    ["explain", "explain [options] <method> <url>"],
    ["test", "test [options] [pattern]"],
  ] as const;
  const results = await Promise.all(uses.map(([name]) => runCommand([name, "--no-such-option"])));
  for (const [index, { status, stderr }] of results.entries()) {
    const [name, usage] = uses[index] ?? ["", ""];
    assert.equal(status, 2, name);
    const expected = `error: unknown option '--no-such-option'\nUsage: weft ${usage}\n(run \`weft ${name} --help\` to see what it takes)\n`;
    assert.equal(stderr, expected);
  }
});

test("weft suggests the command that was probably meant, also to who asks for its help", async () => {
  for (const args of [["stats"], ["help", "stats"]]) {
    const { status, stderr } = await runCommand(args);
    assert.equal(status, 2);
    assert.match(stderr, /^error: unknown command 'stats'\n\(Did you mean status\?\)\n/);
  }
});

test("weft prints its help: as an error to who asks for nothing, and else because it was asked for", async () => {
  const [nothing, asked, helped] = await Promise.all([runCommand([]), runCommand(["--help"]), runCommand(["help"])]);
  assert.deepEqual([nothing.status, asked.status, helped.status], [2, 0, 0]);
  for (const text of [nothing.stderr, asked.stdout, helped.stdout]) assert.match(text, /^ {2}explain +\S/m);
});
