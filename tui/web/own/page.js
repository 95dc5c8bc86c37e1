// The terminal measures its font when it is made: that must be there by then.
const begin = window.onload;
window.onload = async (event) => {
  const faces = ["", "bold ", "italic "].map((face) => `${face}16px "Roboto Mono"`);
  await Promise.allSettled(faces.map((face) => document.fonts.load(face)));
  begin(event);
  document.querySelector(".xterm-helper-textarea").focus();
};
