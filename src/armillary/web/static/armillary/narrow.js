// A search field with data-narrows="#rows" shows only the rows that contain what is typed.
"use strict";
for (const field of document.querySelectorAll("[data-narrows]")) {
  const rows = document.querySelectorAll(field.dataset.narrows + " > tr");
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
