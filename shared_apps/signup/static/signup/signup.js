// Optional comfort for the sign-up form: is the address free, while one types; the browser's time zone chosen
// beforehand. Without JavaScript the form does the same on submit.

const form = document.querySelector("form.sign-up-form");
if (form) {
  watchAddress(form);
  chooseTimeZone(form);
}

function watchAddress(form) {
  const field = form.elements.subdomain;
  const name = form.elements.library_name;
  const status = form.querySelector("[data-availability-status]");
  let own = field.value !== "";
  let timer = 0;
  let asking = null;

  field.addEventListener("input", () => {
    own = field.value !== "";
    later();
  });
  // Until somebody types an address, it follows the library's name.
  name.addEventListener("input", () => {
    if (!own) {
      field.value = addressOf(name.value);
      later();
    }
  });

  function later() {
    window.clearTimeout(timer);
    asking?.abort();
    status.replaceChildren();
    if (field.value.trim().length > 1) {
      timer = window.setTimeout(ask, 400);
    }
  }

  async function ask() {
    asking = new AbortController();
    const wanted = field.value.trim();
    status.textContent = form.dataset.textChecking;
    try {
      const query = new URLSearchParams({ subdomain: wanted });
      const answer = await fetch(`${form.dataset.availability}?${query}`, { signal: asking.signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
    } catch (error) {
      // The check is a comfort: when it fails, the form says on submit what it would have said.
      if (error.name !== "AbortError") status.replaceChildren();
    }
  }

  function show(found) {
    if (found.available) {
      status.replaceChildren(badge("ok", form.dataset.textFree));
      return;
    }
    const row = element("div", "cluster");
    row.append(badge("danger", found.detail));
    if (found.suggestions.length) {
      row.append(element("span", "muted", form.dataset.textTry));
      row.append(...found.suggestions.map(suggestion));
    }
    status.replaceChildren(row);
  }

  function suggestion(text) {
    const button = element("button", "button secondary small", text);
    button.type = "button";
    button.addEventListener("click", () => {
      field.value = text;
      own = true;
      field.focus();
      later();
    });
    return button;
  }
}

function chooseTimeZone(form) {
  const select = form.elements.time_zone;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (select.value === "" && [...select.options].some((option) => option.value === here)) {
    select.value = here;
  }
}

function addressOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
}

function badge(kind, text) {
  return element("span", `badge ${kind}`, text);
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
