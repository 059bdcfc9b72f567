export { findProgram, requireProgram } from "./requires.ts";
