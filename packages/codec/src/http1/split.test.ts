import { test } from "node:test";
import { fuzzRound } from "./session.fuzz.ts";

test("receive() makes the same of all bytes, however they are cut into reads", () => {
  for (let seed = 1; seed <= 400; seed++) fuzzRound(seed);
});
