// textual-serve opens a window for each download, which browsers block.
const open = window.open;
window.open = (address, ...more) => {
  if (!new URL(address, location).pathname.startsWith("/download/")) {
    return open.call(window, address, ...more);
  }
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.click();
  return null;
};

// The terminal measures its font when it is made: that must be there by then.
const begin = window.onload;
window.onload = async (event) => {
  const faces = ["", "bold ", "italic "].map((face) => `${face}16px "Roboto Mono"`);
  await Promise.allSettled(faces.map((face) => document.fonts.load(face)));
  begin(event);
  document.querySelector(".xterm-helper-textarea").focus();
};
