import type { RequestHead, RouteSubset } from "@weft/contract";
import type { RouterErrorCode } from "./errors.ts";
import { headerText } from "./condition.ts";
import { changeFields, type FieldChange } from "./field-change.ts";
import { rewritePath } from "./rewrite.ts";
import type { CompiledBackend, CompiledRule } from "./rule.ts";

/** What a table decided for a request head; kept on the head, and the same for every request with that head. */
export class RouteDecision {
  /** Which table decided; tables themselves are not kept alive by the heads that they saw. */
  readonly tableId: number;
  readonly rule: CompiledRule;
  /** The head as it came. */
  readonly head: RequestHead;
  /** The head's path in normal form, with its query. */
  readonly path: string;
  #ruleHead: RequestHead | null = null;
  #backendHeads: (RequestHead | undefined)[] | null = null;
  #subsets: (RouteSubset["labels"] | undefined)[] | null = null;

  constructor(tableId: number, rule: CompiledRule, head: RequestHead, path: string) {
    this.tableId = tableId;
    this.rule = rule;
    this.head = head;
    this.path = path;
  }

  /**
   * The head that `backend` gets: normal path, rewrite, header changes of rule and backend, colour. Null stands for
   * where no backend has a say: mirrors. The same object each time, and the head as it came when nothing changes, so
   * that encoders can reuse their bytes.
   */
  forwardedHead(backend: CompiledBackend | null): RequestHead {
    if (backend === null || backend.headSlot === 0) {
      return (this.#ruleHead ??= this.#createHead(this.rule.requestChange));
    }
    this.#backendHeads ??= [];
    let head = this.#backendHeads[backend.headSlot];
    if (head === undefined) {
      head = this.#createHead(backend.requestChange);
      this.#backendHeads[backend.headSlot] = head;
    }
    return head;
  }

  /** The labels that the hosts of `backend` are to have for this request; the same object each time, null for none. */
  subsetOf({ index, subset }: CompiledBackend): RouteSubset["labels"] | null {
    if (subset === null) return null;
    if (subset.headers.length === 0) return subset.labels;
    this.#subsets ??= [];
    return (this.#subsets[index] ??= subsetLabels(subset, this.head));
  }

  #createHead(change: FieldChange | null): RequestHead {
    const { head, rule } = this;
    const hostname = rule.config.rewrite?.hostname ?? "";
    const authority = hostname === "" ? head.authority : hostname;
    const path = rewritePath(this.path, rule.pathRewrite, rule.path.length);
    const fields = change === null ? head.fields : changeFields(head.fields, change);
    if (authority === head.authority && path === head.path && fields === head.fields) return head;
    return head.withTarget(head.scheme, authority, path, fields);
  }
}

function subsetLabels({ labels, headers }: RouteSubset, head: RequestHead): RouteSubset["labels"] {
  const asked = headers.flatMap(({ label, header }) => {
    const value = headerText(head, header);
    return value === undefined ? [] : [[label, value] as const];
  });
  return { ...labels, ...Object.fromEntries(asked) };
}

/** Why a request has no route. */
export class RouteRefusal {
  readonly tableId: number;
  readonly code: Exclude<RouterErrorCode, "ROUTER_INVALID_TABLE">;

  constructor(tableId: number, code: Exclude<RouterErrorCode, "ROUTER_INVALID_TABLE">) {
    this.tableId = tableId;
    this.code = code;
  }

  /** The HTTP status that says so. */
  get status(): 400 | 404 {
    return this.code === "ROUTER_NO_MATCH" ? 404 : 400;
  }
}
