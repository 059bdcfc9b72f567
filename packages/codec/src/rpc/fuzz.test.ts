import { test } from "node:test";
import { fuzzRound } from "./session.fuzz.ts";

test("receive() makes the same of mutated frames, however they are cut into reads", () => {
  for (let seed = 0; seed < 60; seed++) fuzzRound(seed);
});
