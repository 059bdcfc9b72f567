// One package comes without declarations, the other with some that name types of a package which has none.
declare module "dubbo2.js" {
  export const java: { String(text: string): unknown };

  export const DirectlyDubbo: {
    from(options: object): { proxyService<Service>(options: object): Service };
  };
}

declare module "sofa-rpc-node" {
  interface Consumer {
    ready(): Promise<void>;
    invoke(method: string, args: readonly unknown[], options: { readonly responseTimeout: number }): Promise<unknown>;
  }

  export const server: {
    readonly RpcServer: new (options: object) => {
      addService(service: { readonly interfaceName: string }, methods: object): void;
      start(): Promise<void>;
    };
  };

  export const client: {
    readonly RpcClient: new (options: object) => {
      createConsumer(options: { readonly interfaceName: string; readonly serverHost: string }): Consumer;
    };
  };
}
