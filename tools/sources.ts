import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The repository's root folder, absolute. */
export const repositoryRoot: string = dirname(import.meta.dirname);
