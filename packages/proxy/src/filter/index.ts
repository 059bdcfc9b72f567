export { withoutColour } from "./colour.ts";
export { drawFault } from "./fault.ts";
export type { FaultDraw } from "./fault.ts";
export { Forwarder } from "./forwarder.ts";
export { createRequestId, markRequest, NO_MARKS, requestIdOf, withMarks, withRequestId } from "./request-marks.ts";
export type { RequestMarks } from "./request-marks.ts";
export { requestTrailers } from "./request-trailers.ts";
