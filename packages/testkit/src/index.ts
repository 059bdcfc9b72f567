export { findProgram, requireProgram } from "./requires.ts";
export {
  createBackend,
  createCluster,
  createHost,
  createListener,
  createRule,
  createSettings,
  createWorldFixture,
  ValueFeed,
} from "./world-fixture.ts";
export type { WorldFixture } from "./world-fixture.ts";
