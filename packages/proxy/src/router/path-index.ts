import type { RequestHead } from "@weft/contract";
import { literalSegments } from "./pattern.ts";
import type { CompiledRule } from "./rule.ts";

/** A segment of the tree of prefixes. */
class PathNode {
  children: Map<string, PathNode> | null = null;
  /** Rules whose prefix ends here, in order of precedence. */
  prefixRules: CompiledRule[] = [];
  /** Regular expressions that begin with the segments up to here. */
  regexRules: CompiledRule[] = [];
  /** Nearest node above that has prefix rules, and regular expressions. */
  prefixAbove: PathNode | null = null;
  regexAbove: PathNode | null = null;
}

/**
 * The rules of one host name, indexed by path: a hash for exact paths, a tree of segments for prefixes and for the
 * beginnings of regular expressions. Finding a rule costs a walk over the path, whatever the number of rules; besides,
 * only rules that match the path are looked at, in order of precedence.
 */
export class PathIndex {
  readonly #exact: Map<string, CompiledRule[]> = new Map();
  readonly #root: PathNode = new PathNode();
  #hasRegex: boolean = false;

  /** Adds a rule; rules come in order of precedence. */
  add(rule: CompiledRule): void {
    if (rule.pathKind === "exact") {
      const rules = this.#exact.get(rule.path);
      if (rules === undefined) this.#exact.set(rule.path, [rule]);
      else rules.push(rule);
    } else if (rule.pathKind === "regex") {
      this.#hasRegex = true;
      this.#nodeOf(literalSegments(rule.path)).regexRules.push(rule);
    } else {
      this.#nodeOf(rule.path).prefixRules.push(rule);
    }
  }

  /** Links the nodes after the last `add`. */
  seal(): void {
    const pending = [this.#root];
    for (const node of pending) {
      for (const child of node.children?.values() ?? []) {
        child.prefixAbove = node.prefixRules.length > 0 ? node : node.prefixAbove;
        child.regexAbove = node.regexRules.length > 0 ? node : node.regexAbove;
        pending.push(child);
      }
    }
  }

  #nodeOf(prefix: string): PathNode {
    let node = this.#root;
    if (prefix === "") return node;
    for (const segment of prefix.slice(1).split("/")) {
      node.children ??= new Map();
      let child = node.children.get(segment);
      if (child === undefined) {
        child = new PathNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    return node;
  }

  /** The rule that takes precedence. `path` is normal with its query, `pathname` the same without. */
  find(head: RequestHead, path: string, pathname: string): CompiledRule | undefined {
    const exact = this.#exact.get(pathname);
    if (exact !== undefined) {
      const rule = firstFulfilled(exact, head, path);
      if (rule !== undefined) return rule;
    }
    const deepest = this.#deepestNode(pathname);
    if (this.#hasRegex) {
      const rule = findRegex(deepest, head, path, pathname);
      if (rule !== undefined) return rule;
    }
    for (let node: PathNode | null = deepest; node !== null; node = node.prefixAbove) {
      const rule = firstFulfilled(node.prefixRules, head, path);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  /** All rules that `find` may have to look at for this path, in order of precedence. */
  candidates(pathname: string): CompiledRule[] {
    const found = [...(this.#exact.get(pathname) ?? [])];
    const deepest = this.#deepestNode(pathname);
    for (let node: PathNode | null = deepest; node !== null; node = node.regexAbove) found.push(...node.regexRules);
    for (let node: PathNode | null = deepest; node !== null; node = node.prefixAbove) found.push(...node.prefixRules);
    return found.sort((a, b) => a.order - b.order);
  }

  #deepestNode(pathname: string): PathNode {
    let node = this.#root;
    let start = 1;
    while (node.children !== null && start <= pathname.length) {
      const slash = pathname.indexOf("/", start);
      const end = slash < 0 ? pathname.length : slash;
      const child = node.children.get(pathname.slice(start, end));
      if (child === undefined) break;
      node = child;
      start = end + 1;
    }
    return node;
  }
}

function findRegex(deepest: PathNode, head: RequestHead, path: string, pathname: string): CompiledRule | undefined {
  let best: CompiledRule | undefined;
  for (let node: PathNode | null = deepest; node !== null; node = node.regexAbove) {
    for (const rule of node.regexRules) {
      if (best !== undefined && rule.order > best.order) break;
      if (fulfilsConditions(rule, head, path) && rule.pathPattern?.matches(pathname) === true) {
        best = rule;
        break;
      }
    }
  }
  return best;
}

function firstFulfilled(rules: readonly CompiledRule[], head: RequestHead, path: string): CompiledRule | undefined {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule !== undefined && fulfilsConditions(rule, head, path)) return rule;
  }
  return undefined;
}

/** Whether everything but host and path matches. */
function fulfilsConditions(rule: CompiledRule, head: RequestHead, path: string): boolean {
  if (rule.method !== "" && rule.method !== head.method) return false;
  for (let index = 0; index < rule.headers.length; index++) {
    if (rule.headers[index]?.acceptsHeader(head) !== true) return false;
  }
  for (let index = 0; index < rule.queryParams.length; index++) {
    if (rule.queryParams[index]?.acceptsQuery(path) !== true) return false;
  }
  return true;
}
