// Watches what follows a key press: messages on the wire, changes of the page, the last paint.
//
// A change is a mutation of the document, a picture that has loaded, or pixels drawn onto a
// canvas of the page. It is painted at the end of the frame in which, or before which, it
// happened: the first task after that frame's callbacks notes the time.
(() => {
  const watch = {};
  window.probe = {
    reset() {
      Object.assign(watch, {
        key: null, sent: null, received: null, painted: null, changed: null,
        largest: 0, bytes: 0, pictures: 0,
      });
    },
    record: () => ({ ...watch }),
    // The picture has changed, that is painted, and nothing more came for so many milliseconds.
    settled: (quiet) =>
      watch.pictures > 0 && !dirty && performance.now() - watch.changed > quiet,
  };
  let dirty = false;
  window.probe.reset();

  function change(picture) {
    if (watch.key === null) return;
    dirty = true;
    watch.changed = performance.now();
    if (picture) watch.pictures += 1;
  }

  window.addEventListener("keydown", (event) => { watch.key = event.timeStamp; }, true);

  const IMAGES = new Set(["img", "image"]);
  const isImage = (node) => IMAGES.has(node.nodeName.toLowerCase());
  const isFloor = (node) => (node.closest ?? node.parentElement?.closest)?.call(
    node.closest ? node : node.parentElement, ".floor");
  new MutationObserver((records) => {
    change(records.some(({ target, attributeName }) =>
      isFloor(target) || (isImage(target) && ["href", "src"].includes(attributeName))));
  }).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
  // Not heard of otherwise; an element's load event does not rise.
  document.addEventListener("load", ({ target }) => {
    if (target.nodeName && isImage(target)) change(true);
  }, true);

  // Few calls; one for each cell, as in fillRect, would be slowed down by being watched.
  for (const name of ["drawImage", "putImageData"]) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      if (this.canvas.isConnected) change(true);
      return draw.apply(this, args);
    };
  }

  const size = (data) => data.byteLength ?? data.size ?? data.length;
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        if (watch.key === null) return;
        watch.bytes += size(data);
        if (size(data) >= watch.largest) {
          watch.largest = size(data);
          watch.received = performance.now();
        }
      });
    }
    send(data) {
      if (watch.key !== null) watch.sent ??= performance.now();
      super.send(data);
    }
  };

  // Always on, so that ours is the first callback of each frame.
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => {
    if (!dirty) return;
    dirty = false;
    watch.painted = performance.now();
  };
  (function frame() {
    port1.postMessage(null);
    requestAnimationFrame(frame);
  })();
})();
