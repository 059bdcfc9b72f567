import { type Document, type Node, visit } from "yaml";

/** What is wrong with an alias, and where it stands in the text. */
export interface AliasFault {
  readonly expected: string;
  readonly offset: number;
}

/** The first alias whose anchor is not there before it, or around it: then its value would contain itself. */
export function findAliasFault(document: Document.Parsed): AliasFault | undefined {
  const anchors = new Map<string, Node>();
  let fault: AliasFault | undefined;
  visit(document, {
    Node(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias(_key, { source, range }, path) {
      const target = anchors.get(source);
      if (target !== undefined && !path.includes(target)) return undefined;
      const expected =
        target === undefined
          ? `an anchor &${source} before the alias *${source}`
          : `an alias of something else: *${source} stands within &${source}, which so would contain itself`;
      fault = { expected, offset: range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return fault;
}
