import * as dubbo from "dubbo-remoting";
import { RpcClient } from "./rpc-peer.ts";

/** What is called at the risk service. */
export const RISK_SERVICE = "com.shop.Risk:1.0";

/** A client of the risk service, which speaks Dubbo. */
export class RiskClient {
  readonly #client: RpcClient;
  readonly #timeoutMs: number;

  constructor(port: number, timeoutMs: number) {
    this.#client = new RpcClient(dubbo, port);
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves with "low" or "high". */
  async judge(order: string, cents: number, memo: string = ""): Promise<string> {
    const args = [order, String(cents), memo];
    const call = { service: RISK_SERVICE, method: "judge", args, timeoutMs: this.#timeoutMs };
    return String(await this.#client.call(call));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
