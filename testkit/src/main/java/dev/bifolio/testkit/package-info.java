/// What the tests of several modules share.
@NullMarked
package dev.bifolio.testkit;

import org.jspecify.annotations.NullMarked;
