import * as bolt from "sofa-bolt-node";
import { RpcClient } from "./rpc-peer.ts";

/** What is called at the ledger. */
export const LEDGER_SERVICE = "com.shop.Ledger:1.0";

/** A client of the ledger, which speaks Bolt. */
export class LedgerClient {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;

  constructor(port: number, timeoutMs: number) {
    this.#client = new RpcClient(bolt, port);
    this.#timeoutMs = timeoutMs;
  }

  /** Books an amount under an order, once however often it is asked; resolves with the entry's name. */
  async record(order: string, cents: number, memo: string = ""): Promise<string> {
    const args = [order, String(cents), memo];
    const call = { service: LEDGER_SERVICE, method: "record", args, timeoutMs: this.#timeoutMs };
    return String(await this.#client.call(call));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
