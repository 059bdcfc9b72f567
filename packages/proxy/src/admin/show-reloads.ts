import type { ReloadStatus, ResourceProblem } from "@weft/contract";

/** What is wrong in one file. */
interface ShownFile {
  readonly file: string;
  readonly problems: readonly {
    readonly line: number;
    readonly resource: string;
    readonly path: string;
    readonly expected: string;
  }[];
}

/** A reload status as it may be shown to anyone who reaches the admin server. */
export type ShownReloads = Omit<ReloadStatus, "problems"> & { readonly files: readonly ShownFile[] };

/** Problems by file. Values are left out: one that is wrong may still be a secret, and the log has it. */
export function showReloads({ problems, ...status }: ReloadStatus): ShownReloads {
  const byFile = Map.groupBy(problems, ({ file }) => file);
  const files = Array.from(byFile, ([file, own]) => ({ file, problems: own.map(showProblem) }));
  return { ...status, files };
}

function showProblem({ line, kind, namespace, name, path, expected }: ResourceProblem): ShownFile["problems"][number] {
  return { line, resource: name === "" ? kind : `${kind} ${namespace}/${name}`, path, expected };
}
