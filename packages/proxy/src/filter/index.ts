export { drawFault } from "./fault.ts";
export type { FaultDraw } from "./fault.ts";
export { Forwarder } from "./forwarder.ts";
