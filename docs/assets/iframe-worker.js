/* A page opened from disk may start no worker: there the search runs in a hidden frame instead. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html>";
      this.waiting = [];
      frame.addEventListener("load", () => {
        const inside = frame.contentWindow;
        const add = (source) =>
          new Promise((ready, failed) => {
            const script = inside.document.createElement("script");
            script.src = new URL(source, location.href);
            script.onload = ready;
            script.onerror = failed;
            inside.document.head.append(script);
          });
        inside.importScripts = (...sources) => sources.reduce((last, one) => last.then(() => add(one)), Promise.resolve());
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        add(url).then(() => {
          this.give = (data) => inside.dispatchEvent(new inside.MessageEvent("message", { data }));
          this.waiting.forEach(this.give);
        });
      }, { once: true });
      this.frame = frame;
      document.documentElement.append(frame);
    }
    postMessage(data) {
      if (this.give) this.give(data);
      else this.waiting.push(data);
    }
    terminate() {
      this.frame.remove();
    }
  };
}
