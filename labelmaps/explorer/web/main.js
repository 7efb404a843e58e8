// The explorer's page: each part follows what is shown, which the address names.

import { start } from "./address.js";
import { startGallery } from "./gallery.js";
import { startHeading } from "./heading.js";
import { startMap } from "./map.js";
import { startMethods } from "./methods.js";
import { startPicture } from "./picture.js";
import { startView } from "./view.js";

// In the order in which they are called after a change.
startHeading();
startGallery();
startMethods();
startPicture();
startMap();
startView();
start();
