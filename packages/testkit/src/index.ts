export { findProgram, requireProgram } from "./requires.ts";
export { createTestCertificate } from "./test-certificate.ts";
export type { TestCertificate } from "./test-certificate.ts";
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
